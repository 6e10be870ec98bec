/** Talks to a mail server as far as a client goes before it sends: greeting, EHLO, STARTTLS, QUIT. */
import { defineChecker } from "@karuntime/sdk";
import { readUpgrade, upgradeOptions } from "../../transport-security.ts";
import { faultOf } from "./dialogue.ts";

export default defineChecker({
  permissions: { files: ["{ca}", "{certificate}"], secrets: ["{keySecret}"] },
  options: {
    helo: { type: "string", default: "localhost", description: "the name to give with EHLO" },
    ...upgradeOptions,
  },
  async check({ target, options, connect, files, secrets, down }) {
    const upgrade = await readUpgrade(options, { files, secrets });
    try {
      const connection = await connect(target.place);
      const fault = await faultOf(connection, { helo: options.helo, upgrade });
      if (fault !== undefined) return down(fault);
    } catch (error) {
      // Refused, broken off, or something else than SMTP: all of that is the server's doing.
      return down((error as Error).message);
    }
  },
});
