import { defineChecker } from "@karuntime/sdk";

export default defineChecker({
  options: {
    greeting: { type: "string", default: "220", description: "how the server's first line begins" },
  },
  async check({ target, connect, options, down }) {
    const host = target.address.includes(":") ? `[${target.address}]` : target.address;
    const connection = await connect(`${host}:${target.port}`);
    const line = await connection.readUntil("\n");
    if (!line.startsWith(options.greeting)) return down(`it greets with ${line.trim()}`);
  },
});
