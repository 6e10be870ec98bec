/** What a client and a mail server say to each other (RFC 5321, sections 3.1, 3.2 and 4.2), and how they go over to TLS (RFC 3207). */
import type { Connection } from "@karuntime/sdk";
import type { Upgrade } from "../../transport-security.ts";

/** Extensions come a line each; no server has so many. */
const LINES_MAX = 100;

export interface DialogueOptions {
  /** The name to give with EHLO. */
  readonly helo: string;
  /** How to go over to TLS; undefined when that is not wanted. */
  readonly upgrade: Upgrade | undefined;
}

type Talker = Pick<Connection, "write" | "readUntil" | "startTls">;

/** A reply: lines of a code and a text, with "-" after the code of all but the last. */
interface Reply {
  readonly code: number;
  /** Of each line, what follows the code. */
  readonly lines: readonly string[];
}

/**
 * Takes the greeting, says EHLO, over TLS once more, and QUIT.
 *
 * @returns what is wrong with the answers; undefined when nothing is.
 * @throws Error when something else than a reply comes, or the certificate is not trusted.
 */
export async function faultOf(
  plain: Talker,
  { helo, upgrade }: DialogueOptions,
): Promise<string | undefined> {
  let connection = plain;
  const ask = async (command: string): Promise<Reply> => {
    await connection.write(`${command}\r\n`);
    return readReply(connection);
  };
  const greeting = await readReply(connection);
  if (greeting.code !== 220) return refused("the connection", greeting);
  const hello = await ask(`EHLO ${helo}`);
  if (hello.code !== 250) return refused("EHLO", hello);
  // The first line is the server's name, each further one an extension.
  const offers = hello.lines.slice(1).map((line) => line.toUpperCase());
  if (upgrade !== undefined && offers.includes("STARTTLS")) {
    const ready = await ask("STARTTLS");
    if (ready.code !== 220) return refused("STARTTLS", ready);
    connection = await connection.startTls(upgrade.init);
    // What was said before does not count any more.
    const again = await ask(`EHLO ${helo}`);
    if (again.code !== 250) return refused("EHLO over TLS", again);
  } else if (upgrade?.required === true) {
    return "it does not offer STARTTLS, which options.tls demands";
  }
  const bye = await ask("QUIT");
  return bye.code === 221 ? undefined : refused("QUIT", bye);
}

function refused(what: string, { code, lines }: Reply): string {
  return `${what} is answered with ${code} ${lines[0] ?? ""}`;
}

async function readReply(connection: Pick<Connection, "readUntil">): Promise<Reply> {
  const lines: string[] = [];
  while (lines.length < LINES_MAX) {
    const line = (await connection.readUntil("\r\n")).trimEnd();
    const [, code, more, text = ""] = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(line) ?? [];
    if (code === undefined)
      throw new Error(`found ${JSON.stringify(line.slice(0, 100))}, expected a reply of SMTP`);
    lines.push(text);
    if (more !== "-") return { code: Number(code), lines };
  }
  throw new Error(`found a reply of more than ${LINES_MAX} lines`);
}
