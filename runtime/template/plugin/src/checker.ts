import { defineChecker } from "@karuntime/sdk";

export default defineChecker({
  options: {
    greeting: { type: "string", default: "220", description: "how the server's first line begins" },
  },
  async check({ target, connect, options, down }) {
    const connection = await connect(target.place);
    const line = await connection.readUntil("\n");
    if (!line.startsWith(options.greeting)) return down(`it greets with ${line.trim()}`);
  },
});
