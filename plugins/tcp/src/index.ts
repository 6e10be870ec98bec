/** Connects to a server, as keepalived's TCP_CHECK does, and may send something and expect an answer. */
import type { Connection } from "@karuntime/sdk";
import { defineChecker } from "@karuntime/sdk";
import { readText } from "./text.ts";

const ANSWER_CHARACTERS_MAX = 64 * 1024;

export default defineChecker({
  options: {
    send: { type: "string", default: "", description: "with \\r, \\n, \\t, \\0, \\\\ and \\xHH" },
    expect: { type: "string", default: "", description: "regular expression for what comes" },
    timeoutMs: { type: "number", default: 800, min: 1, description: "for all of it" },
  },
  async check({ target, options, connect, down }) {
    const { address, port } = target;
    const data = readText(options.send);
    const expected = options.expect === "" ? undefined : new RegExp(options.expect);

    async function converse(): Promise<string> {
      const connection = await connect(
        `${address.includes(":") ? `[${address}]` : address}:${port}`,
      );
      if (data.length > 0) await connection.write(data);
      return expected === undefined ? "" : missing(connection, expected);
    }
    const late = new Promise<string>((resolve) =>
      setTimeout(() => resolve(`it took longer than ${options.timeoutMs} ms`), options.timeoutMs),
    );
    try {
      const fault = await Promise.race([converse(), late]);
      return fault === "" ? undefined : down(fault);
    } catch (error) {
      return down(error instanceof Error ? error.message : String(error));
    }
  },
});

/** Reads until what is expected has come. @returns "", or what came instead. */
async function missing(connection: Connection, expected: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  for (let text = ""; ;) {
    const octets = await connection.read();
    text += octets === null ? "" : decoder.decode(octets, { stream: true });
    if (expected.test(text)) return "";
    if (octets === null)
      return `it ended with ${JSON.stringify(text.slice(-100))}, expected ${expected}`;
    if (text.length > ANSWER_CHARACTERS_MAX)
      return `${text.length} characters came without ${expected}`;
  }
}
