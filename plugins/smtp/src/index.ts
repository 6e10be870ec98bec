/** Talks to a mail server as far as a client goes before it sends: greeting, EHLO, QUIT. */
import { defineChecker } from "@karuntime/sdk";
import { faultOf } from "./dialogue.ts";

export default defineChecker({
  options: {
    helo: { type: "string", default: "localhost", description: "the name to give with EHLO" },
    starttls: { type: "boolean", default: false, description: "whether it has to offer STARTTLS" },
  },
  async check({ target, options, connect, down }) {
    const { address, port } = target;
    const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    try {
      const fault = await faultOf(await connect(place), options);
      if (fault !== undefined) return down(fault);
    } catch (error) {
      // Refused, broken off, or something else than SMTP: all of that is the server's doing.
      return down((error as Error).message);
    }
  },
});
