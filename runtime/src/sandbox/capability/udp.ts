/** Datagrams to granted places: one is sent, and the first one that comes back from there is its answer. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { DeniedError } from "./denied.ts";
import type { Resolve } from "./fetch.ts";
import { addressOf, lists, lookupAll, placeOf, reasonOf } from "./place.ts";

const DATAGRAM_BYTES_MAX = 8 * 1024;
const SOCKETS_MAX = 16;
const TIMEOUT_MS = 5000;
const TIMEOUT_MS_MAX = 3_600_000;

export interface Datagrams {
  /**
   * Sends one, from a socket that is connected to the place: the kernel lets in what comes from there alone.
   *
   * @param argument from the guest, of any shape.
   * @returns the answer, one character for each octet; null when none is waited for.
   * @throws DeniedError for a place that is not granted; Error for what goes wrong.
   */
  exchange(argument: unknown, signal: AbortSignal): Promise<string | null>;
}

/** @param granted "host:port" each. */
export function createDatagrams(
  granted: readonly string[],
  resolve: Resolve = lookupAll,
): Datagrams {
  let open = 0;
  return {
    async exchange(argument, signal) {
      const { target, octets, timeoutMs, answer } = argument as {
        readonly target: string;
        readonly octets: string;
        readonly timeoutMs: number | null;
        readonly answer: boolean;
      };
      const [host, port] = placeOf(target, "udp");
      if (!lists(granted, target))
        throw new DeniedError(
          `not permitted: to send datagrams to ${target}, add it to the plugin: permissions: { udp: [${JSON.stringify(target)}] }`,
        );
      if (octets.length > DATAGRAM_BYTES_MAX)
        throw new Error(
          `udp: found ${octets.length} bytes, expected at most ${DATAGRAM_BYTES_MAX}`,
        );
      if (open >= SOCKETS_MAX) throw new Error(`udp: more than ${SOCKETS_MAX} at a time`);
      open++;
      try {
        const address = await addressOf(host, port, granted, resolve);
        const socket = await connectDatagrams(address, Number(port), signal);
        try {
          const limitMs = Math.min(TIMEOUT_MS_MAX, Math.max(1, timeoutMs ?? TIMEOUT_MS));
          return await exchangeOne(socket, Buffer.from(octets, "latin1"), answer, limitMs, signal);
        } finally {
          socket.close();
        }
      } catch (error) {
        if (error instanceof DeniedError) throw error;
        throw new Error(`udp: ${target}: ${refusalOf(error)}`, { cause: error });
      } finally {
        open--;
      }
    },
  };
}

/** A socket for datagrams to and from one place, with a port of the kernel's choice. The caller closes it. */
export async function connectDatagrams(
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(port, address, () => {
        socket.off("error", reject);
        resolve();
      });
    });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** What went wrong with a datagram: a refusal is an ICMP message of the other host, so nobody listens there. */
export function refusalOf(error: unknown): string {
  return (error as { readonly code?: unknown }).code === "ECONNREFUSED"
    ? "nobody listens there: the port is unreachable"
    : reasonOf(error);
}

function exchangeOne(
  socket: Socket,
  bytes: Buffer,
  answer: boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const givenUp = (): void => reject(new Error("it was given up"));
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", givenUp);
    };
    if (signal.aborted) givenUp();
    signal.addEventListener("abort", givenUp);
    socket.on("error", (error) => (settled(), reject(error)));
    socket.on("message", (message) => (settled(), resolve(message.toString("latin1"))));
    socket.send(bytes, (error) => {
      if (error !== null) reject(error);
      else if (!answer) resolve(null);
      else return;
      settled();
    });
  });
}
