/**
 * What the checkers of databases have in common: one connection to the target, messages cut out of what it sends, TLS from the
 * beginning or later, and one deadline for all of it. Whatever goes wrong with the server makes the target down, also where `onFault` is "hold".
 */
import type { CheckerContext, Connection, Down, TlsInit } from "@karuntime/sdk";

/** What comes after it is no longer one small answer. */
const UNREAD_BYTES_MAX = 1024 * 1024;

/** For a checker to spread into its options. */
export const timeoutOption = {
  timeoutMs: {
    type: "number",
    default: 800,
    min: 1,
    max: 60_000,
    description: "the whole conversation may take so long; keep it below the check's timeout",
  },
} as const;

/** A message, and how many octets of the beginning it took. */
export interface Decoded<Message> {
  readonly message: Message;
  readonly length: number;
}

/** Finds the message at the beginning of the octets; undefined when it is not there as a whole. @throws Error when it is none. */
export type Decode<Message> = (octets: Uint8Array) => Decoded<Message> | undefined;

export interface Conversation {
  /** Sends; from now on `step` is what the server owes an answer to. */
  send(step: string, octets: Uint8Array): Promise<void>;
  /** @throws Error when the connection ends before, or the message is too long. */
  receive<Message>(decode: Decode<Message>): Promise<Message>;
  /** Speaks TLS from now on. @throws Error when the certificate is not trusted, or the server said more before than was received. */
  startTls(init: TlsInit): Promise<void>;
}

/**
 * Connects to the target and talks with it.
 *
 * @param tls for TLS from the beginning.
 * @param talk comes to the reason why the target is down, or to nothing.
 */
export async function converse(
  { target, connect, down }: Pick<CheckerContext, "target" | "connect" | "down">,
  { timeoutMs, tls }: { readonly timeoutMs: number; readonly tls?: TlsInit | undefined },
  talk: (conversation: Conversation) => Promise<string | undefined>,
): Promise<Down | undefined> {
  let awaited = "connection";

  async function connectAndTalk(): Promise<string | undefined> {
    let connection: Connection = await connect(target.place, tls === undefined ? {} : { tls });
    awaited = "greeting";
    let unread = new Uint8Array();
    const conversation: Conversation = {
      send(step, octets) {
        awaited = `answer to ${step}`;
        return connection.write(octets);
      },
      async receive(decode) {
        for (;;) {
          const decoded = decode(unread);
          if (decoded !== undefined) {
            unread = unread.slice(decoded.length);
            return decoded.message;
          }
          if (unread.length > UNREAD_BYTES_MAX)
            throw new Error(`the ${awaited} is longer than ${UNREAD_BYTES_MAX} bytes`);
          const more = await connection.read();
          if (more === null) throw new Error(`no ${awaited}: the server closed the connection`);
          unread = joined(unread, more);
        }
      },
      async startTls(init) {
        // What came before TLS could be anybody's, and must not be taken for what was said within.
        if (unread.length > 0)
          throw new Error("the server said more before TLS than it was asked for");
        awaited = "TLS handshake";
        connection = await connection.startTls(init);
      },
    };
    try {
      return await talk(conversation);
    } finally {
      connection.close();
    }
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no ${awaited} within ${timeoutMs} ms`), timeoutMs);
  });
  try {
    const reason = await Promise.race([connectAndTalk(), late]);
    return reason === undefined ? undefined : down(reason);
  } catch (error) {
    return down(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/** One array of several. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
