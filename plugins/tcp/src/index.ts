/** Connects to a server, as keepalived's TCP_CHECK does, and may send something and expect an answer. */
import { defineChecker } from "@karuntime/sdk";
import { readTls, tlsOptions } from "../../transport-security.ts";
import { readText } from "./text.ts";

const ANSWER_CHARACTERS_MAX = 64 * 1024;

export default defineChecker({
  permissions: { files: ["{ca}", "{certificate}"], secrets: ["{keySecret}"] },
  options: {
    send: { type: "string", default: "", description: "with \\r, \\n, \\t, \\0, \\\\ and \\xHH" },
    expect: { type: "string", default: "", description: "regular expression for what comes" },
    timeoutMs: { type: "number", default: 800, min: 1, description: "for all of it" },
    ...tlsOptions,
  },
  async check({ target, options, connect, files, secrets, down }) {
    const init = options.tls ? { tls: await readTls(options, { files, secrets }) } : {};
    const data = readText(options.send);
    const expected = options.expect === "" ? undefined : new RegExp(options.expect);
    let text = "";

    /** @returns what went wrong, or "". */
    async function converse(): Promise<string> {
      const connection = await connect(target.place, init);
      if (data.length > 0) await connection.write(data);
      const decoder = new TextDecoder();
      while (expected?.test(text) === false) {
        const octets = await connection.read();
        if (octets === null) return "the other side ended the connection";
        text += decoder.decode(octets, { stream: true });
        if (text.length > ANSWER_CHARACTERS_MAX) return `${text.length} characters came`;
      }
      return "";
    }
    const late = new Promise<string>((resolve) =>
      setTimeout(() => resolve(`it took longer than ${options.timeoutMs} ms`), options.timeoutMs),
    );
    const failed = (error: unknown): string =>
      error instanceof Error ? error.message : String(error);
    const fault = await Promise.race([converse().catch(failed), late]);
    if (fault === "") return undefined;
    const tail =
      text === "" ? "" : `; found ${JSON.stringify(text.slice(-100))}, expected ${expected}`;
    return down(`${fault}${tail}`);
  },
});
