/** Questions to granted DNS servers: over UDP, and over TCP where the answer does not fit in a datagram (RFC 7766 section 5). */
import type { Socket as DatagramSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { connect, isIP } from "node:net";
import type { Socket } from "node:net";
import { DeniedError } from "./denied.ts";
import type { DnsAnswer, Question } from "./dns-message.ts";
import { placeOf, reasonOf } from "./place.ts";
import { connectDatagrams, refusalOf } from "./udp.ts";

const QUESTIONS_MAX = 16;
const TIMEOUT_MS = 5000;
const TIMEOUT_MS_MAX = 3_600_000;
/** After this time without an answer the question is sent once more, since datagrams are lost at times. */
const AGAIN_MS = 1000;
const SENT_MAX = 3;
const PORT = 53;
/** Stands in a grant for the server that this host itself asks. */
const SYSTEM = "system";

type Messages = typeof import("./dns-message.ts");
let messages: Promise<Messages> | undefined;

/** With its decoder it is only for who needs it. */
function loadMessages(): Promise<Messages> {
  messages ??= import("./dns-message.ts");
  return messages;
}

export interface Questions {
  /**
   * @param argument from the guest, of any shape.
   * @throws DeniedError for a server that is not granted; Error for what goes wrong.
   */
  ask(argument: unknown, signal: AbortSignal): Promise<DnsAnswer>;
}

/** @param granted "address:port" each, or "system". */
export function createQuestions(
  granted: readonly string[],
  resolverFile = "/etc/resolv.conf",
): Questions {
  let open = 0;

  async function serverOf(server: string | null): Promise<readonly [string, number]> {
    const wanted = server ?? SYSTEM;
    if (!granted.includes(wanted))
      throw new DeniedError(
        `not permitted: to ask the DNS server ${wanted}, add it to the plugin: permissions: { dns: [${JSON.stringify(wanted)}] }`,
      );
    if (server === null) return [await systemServer(resolverFile), PORT];
    const [address, port] = placeOf(server, "dns");
    if (isIP(address) === 0)
      throw new Error(`dns: found ${JSON.stringify(server)}, expected "address:port"`);
    return [address, Number(port)];
  }

  return {
    async ask(argument, signal) {
      const { name, type, server, timeoutMs } = argument as {
        readonly name: string;
        readonly type: string;
        readonly server: string | null;
        readonly timeoutMs: number | null;
      };
      const [address, port] = await serverOf(server);
      if (open >= QUESTIONS_MAX)
        throw new Error(`dns: more than ${QUESTIONS_MAX} questions at a time`);
      open++;
      try {
        const loaded = await loadMessages();
        const question = loaded.makeQuestion(name, type);
        const limitMs = Math.min(TIMEOUT_MS_MAX, Math.max(1, timeoutMs ?? TIMEOUT_MS));
        return await within(limitMs, signal, async (ended) => {
          const first = await askByDatagram(address, port, question, loaded, ended);
          const answer = loaded.isTruncated(first)
            ? await askByStream(address, port, question, loaded, ended)
            : first;
          return loaded.readAnswer(answer, question);
        });
      } catch (error) {
        if (error instanceof Error && error.message.startsWith("dns: ")) throw error;
        throw new Error(`dns: ${server ?? `${address}:${port}`}: ${refusalOf(error)}`, {
          cause: error,
        });
      } finally {
        open--;
      }
    },
  };
}

async function systemServer(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new Error(`dns: ${file} cannot be read: ${error.message}`, { cause: error });
  });
  const address = /^[ \t]*nameserver[ \t]+(\S+)/m.exec(text)?.[1];
  // Without one it is the server on this host (resolv.conf(5)).
  if (address === undefined) return "127.0.0.1";
  if (isIP(address) !== 0) return address;
  throw new Error(`dns: ${file} names ${JSON.stringify(address)}, expected an address`);
}

/** Does the work until it is done or the time is over, and then ends what it holds by the signal that it was given. */
async function within<T>(
  limitMs: number,
  signal: AbortSignal,
  work: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new Error(`no answer within ${limitMs} ms`);
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(late), limitMs);
  const givenUp = (): void => end.abort(new Error("it was given up"));
  if (signal.aborted) givenUp();
  signal.addEventListener("abort", givenUp);
  try {
    return await work(end.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", givenUp);
  }
}

function whenAborted(signal: AbortSignal, reject: (reason: unknown) => void): void {
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener("abort", () => reject(signal.reason));
}

async function askByDatagram(
  address: string,
  port: number,
  question: Question,
  { answers }: Messages,
  ended: AbortSignal,
): Promise<Buffer> {
  const socket: DatagramSocket = await connectDatagrams(address, port, ended);
  let again: ReturnType<typeof setInterval> | undefined;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      whenAborted(ended, reject);
      socket.on("error", reject);
      // What answers no question of ours was sent by somebody who guesses: the server's answer is still to come.
      socket.on("message", (message) => answers(message, question) && resolve(message));
      let sent = 0;
      const send = (): void => {
        if (++sent > SENT_MAX) return clearInterval(again);
        socket.send(question.octets, (error) => error !== null && reject(error));
      };
      again = setInterval(send, AGAIN_MS);
      send();
    });
  } finally {
    clearInterval(again);
    socket.close();
  }
}

/** RFC 1035 section 4.2.2: two octets with the message's length, then the message. */
async function askByStream(
  address: string,
  port: number,
  question: Question,
  { answers }: Messages,
  ended: AbortSignal,
): Promise<Buffer> {
  ended.throwIfAborted();
  const socket: Socket = connect({ host: address, port });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const failed = (error: unknown): void =>
        reject(new Error(`over TCP: ${reasonOf(error)}`, { cause: error }));
      whenAborted(ended, reject);
      socket.on("error", failed);
      socket.on("close", () => failed(new Error("the connection ended before the answer did")));
      let received = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
        const message = received.subarray(2, 2 + received.readUInt16BE(0));
        if (answers(message, question)) resolve(message);
        else failed(new Error("what came is no answer to the question"));
      });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(question.octets.length);
      socket.write(Buffer.concat([length, question.octets]));
    });
  } finally {
    socket.destroy();
  }
}
