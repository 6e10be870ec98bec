/** Connections over TCP and TLS to granted places. Each belongs to the invocation that opened it, and ends with it. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { DeniedError } from "./denied.ts";
import { certificateOf, dial, readTls, upgrade } from "./dial.ts";
import type { Resolve } from "./fetch.ts";
import { addressOf, lists, lookupAll, placeOf, reasonOf } from "./place.ts";

const CONNECTIONS_MAX = 8;
/** What is kept of what nobody has read yet; then the other side has to wait. */
const BUFFER_BYTES_MAX = 256 * 1024;
/** What one read gives. */
const READ_BYTES_MAX = 64 * 1024;

const CLOSED = "the connection is closed";

interface Connection {
  socket: Socket;
  /** The other side, as the plugin named it. */
  readonly host: string;
  secure: boolean;
  chunks: Buffer[];
  size: number;
  ended: boolean;
  failure: string | undefined;
  /** Wakes whoever waits for bytes. */
  wake: (() => void) | undefined;
}

export interface Connections {
  /** @throws DeniedError, or Error for what goes wrong. @returns the connection's number, and the peer's certificate. */
  open(argument: unknown, signal: AbortSignal, invocation: AbortSignal): Promise<unknown>;
  /** One character for each octet. */
  write(id: number, octets: string): Promise<null>;
  /** The next octets, likewise: those that are there, or up to the delimiter; null at the end. */
  read(id: number, delimiter: string | undefined, signal: AbortSignal): Promise<string | null>;
  /** Waits for these octets, and takes them. @throws Error when others come. */
  expect(id: number, octets: string, signal: AbortSignal): Promise<null>;
  /** Speaks TLS from now on. @returns the peer's certificate. */
  startTls(id: number, tls: unknown, signal: AbortSignal): Promise<unknown>;
  close(id: number): void;
}

/** @param net the grant: "host:port" each. */
export function createConnections(
  net: readonly string[],
  resolve: Resolve = lookupAll,
): Connections {
  const connections = new Map<number, Connection>();
  let nextId = 1;
  let opening = 0;

  function connectionOf(id: number): Connection {
    const connection = connections.get(id);
    if (connection === undefined) throw new Error(`connect: ${CLOSED}`);
    return connection;
  }

  function close(id: number): void {
    const connection = connections.get(id);
    connections.delete(id);
    connection?.socket.destroy();
    connection?.wake?.();
  }

  return {
    async open(argument, signal, invocation) {
      const { target, tls } = argument as { readonly target: string; readonly tls: unknown };
      const [host, port] = placeOf(target, "connect");
      if (!lists(net, target))
        throw new DeniedError(
          `not permitted: to connect to ${target}, add it to the plugin: permissions: { net: [${JSON.stringify(target)}] }`,
        );
      const settings = tls === null ? null : readTls(tls, "connect");
      if (opening + connections.size >= CONNECTIONS_MAX)
        throw new Error(`connect: more than ${CONNECTIONS_MAX} connections at a time`);
      opening++;
      let socket: Socket;
      try {
        const address = await addressOf(host, port, net, resolve);
        socket = await dial(
          { host: address, port: Number(port) },
          settings === null ? null : { settings, name: host },
          "connect",
          signal,
        );
      } finally {
        opening--;
      }
      const connection: Connection = {
        socket,
        host,
        secure: settings !== null,
        chunks: [],
        size: 0,
        ended: false,
        failure: undefined,
        wake: undefined,
      };
      const id = nextId++;
      connections.set(id, connection);
      invocation.addEventListener("abort", () => close(id), { once: true });
      receive(connection);
      return { id, certificate: settings === null ? null : certificateOf(socket as TLSSocket) };
    },
    write(id, octets) {
      const connection = connectionOf(id);
      const { socket } = connection;
      return new Promise((done, fail) => {
        const lost = (error?: unknown): void =>
          fail(new Error(`connect: ${connection.failure ?? reasonOf(error ?? CLOSED)}`));
        socket.once("close", lost);
        socket.write(octets, "latin1", (error) => {
          socket.off("close", lost);
          if (error) lost(error);
          else done(null);
        });
      });
    },
    async expect(id, octets, signal) {
      const connection = connectionOf(id);
      if (octets.length > READ_BYTES_MAX)
        throw new Error(`connect: expected at most ${READ_BYTES_MAX} bytes`);
      for (;;) {
        signal.throwIfAborted();
        const all = Buffer.concat(connection.chunks);
        const found = all.toString("latin1", 0, octets.length);
        const over = connection.ended || connection.failure !== undefined;
        if (!octets.startsWith(found) || (over && found !== octets)) {
          const came = all.length === 0 ? "nothing" : JSON.stringify(all.toString("utf8", 0, 200));
          throw new Error(
            `connect: expected ${JSON.stringify(Buffer.from(octets, "latin1").toString("utf8"))}, but ${came} came`,
          );
        }
        if (found === octets) {
          take(connection, all, octets.length);
          return null;
        }
        await more(connection, signal);
      }
    },
    async startTls(id, tls, signal) {
      const connection = connectionOf(id);
      const settings = readTls(tls, "connect");
      if (connection.secure) throw new Error("connect: the connection speaks TLS already");
      // What came before TLS could be anybody's, and must not be taken for what was said within.
      if (connection.size > 0)
        throw new Error("connect: the other side said more before TLS than was read");
      const { socket, host } = connection;
      for (const event of ["data", "end", "close", "error"]) socket.removeAllListeners(event);
      socket.on("error", () => undefined);
      connection.secure = true;
      try {
        const secured = await upgrade(socket, { settings, name: host }, "connect", signal);
        connection.socket = secured;
        receive(connection);
        return certificateOf(secured);
      } catch (error) {
        close(id);
        throw error;
      }
    },
    async read(id, delimiter, signal) {
      const connection = connectionOf(id);
      for (;;) {
        signal.throwIfAborted();
        const all = Buffer.concat(connection.chunks);
        const end = delimiter === undefined ? all.length : endOf(all, delimiter);
        if (end > 0) {
          const length = Math.min(end, READ_BYTES_MAX);
          take(connection, all, length);
          return all.toString("latin1", 0, length);
        }
        if (delimiter !== undefined && all.length >= READ_BYTES_MAX)
          throw new Error(
            `connect: ${READ_BYTES_MAX} bytes came without ${JSON.stringify(delimiter)}`,
          );
        if (connection.failure !== undefined) throw new Error(`connect: ${connection.failure}`);
        if (connection.ended) {
          if (delimiter === undefined) return null;
          throw new Error(
            `connect: the other side closed the connection before ${JSON.stringify(delimiter)} came`,
          );
        }
        await more(connection, signal);
      }
    },
    close,
  };
}

/** Takes so many octets of all that are there. */
function take(connection: Connection, all: Buffer, length: number): void {
  connection.chunks = length < all.length ? [all.subarray(length)] : [];
  connection.size = all.length - length;
  if (connection.size < BUFFER_BYTES_MAX) connection.socket.resume();
}

/** Waits until something has changed. */
function more(connection: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((wake) => {
    connection.wake = wake;
    signal.addEventListener("abort", () => wake(), { once: true });
  });
}

function receive(connection: Connection): void {
  const { socket } = connection;
  const wake = (): void => {
    const { wake: woken } = connection;
    connection.wake = undefined;
    woken?.();
  };
  socket.on("data", (chunk: Buffer) => {
    connection.chunks.push(chunk);
    connection.size += chunk.length;
    if (connection.size >= BUFFER_BYTES_MAX) socket.pause();
    wake();
  });
  socket.on("end", () => {
    connection.ended = true;
    wake();
  });
  socket.on("close", () => {
    connection.ended = true;
    wake();
  });
  socket.on("error", (error) => {
    connection.failure = reasonOf(error);
    // A TLS alert alone does not end it, and what is being written would stay without an answer.
    socket.destroy();
    wake();
  });
}

/** The index behind the delimiter, 0 when it is not there. */
function endOf(octets: Buffer, delimiter: string): number {
  const at = octets.indexOf(delimiter, 0, "utf8");
  return at < 0 ? 0 : at + Buffer.byteLength(delimiter);
}
