/** Connections over TCP and TLS to granted places. Each belongs to the invocation that opened it, and ends with it. */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { DeniedError } from "./denied.ts";
import { certificateOf, dial, readAlpn, readTls, upgrade } from "./dial.ts";
import type { PeerCertificate } from "./dial.ts";
import type { Resolve } from "./fetch.ts";
import { placeText } from "./resolved-address.ts";
import { addressOf, lists, lookupAll, placeOf, reasonOf } from "./place.ts";

const CONNECTIONS_MAX = 8;
/** What is kept of what nobody has read yet; then the other side has to wait. */
const BUFFER_BYTES_MAX = 256 * 1024;
/** What one read gives. */
const READ_BYTES_MAX = 64 * 1024;

const CLOSED = "the connection is closed";

interface Connection {
  readonly socket: Socket;
  /** The other side, as the plugin named it. */
  readonly host: string;
  readonly invocation: AbortSignal;
  chunks: Buffer[];
  size: number;
  ended: boolean;
  failure: string | undefined;
  /** Wakes those who wait for bytes, in the order in which they asked. */
  waiting: (() => void)[];
}

/** What a plugin is told of a connection that is open. */
export interface Opened {
  /** Its number, for all that follows. */
  readonly id: number;
  readonly certificate: PeerCertificate | null;
  /** "address:port", as far as the kernel still knows it. */
  readonly remoteAddress: string | null;
  readonly localAddress: string | null;
  /** The protocol that both sides agreed on, with TLS. */
  readonly alpn: string | null;
}

export interface Connections {
  /** @throws DeniedError, or Error for what goes wrong. */
  open(argument: unknown, signal: AbortSignal, invocation: AbortSignal): Promise<Opened>;
  /** One character for each octet. */
  write(id: number, octets: string): Promise<null>;
  /** Tells the other side that nothing more will be written; it may go on. */
  end(id: number): Promise<null>;
  /** The next octets, likewise: those that are there, or up to the delimiter; null at the end. */
  read(id: number, delimiter: string | undefined, signal: AbortSignal): Promise<string | null>;
  /** Waits for these octets, and takes them. @throws Error when others come. */
  expect(id: number, octets: string, signal: AbortSignal): Promise<null>;
  /** Speaks TLS from now on, under another number: the old one is that of a closed connection. */
  startTls(id: number, argument: unknown, signal: AbortSignal): Promise<Opened>;
  /** @param reset whether the other side must not take it for an end in good order. */
  close(id: number, reset?: boolean): void;
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

  /** Takes it out: to its number nothing belongs any more. */
  function forget(id: number): Connection | undefined {
    const connection = connections.get(id);
    connections.delete(id);
    if (connection !== undefined) connection.ended = true;
    return connection;
  }

  function close(id: number, reset = false): void {
    const connection = forget(id);
    if (connection === undefined) return;
    // TLS itself shows that its end is missing.
    if (reset && !(connection.socket instanceof TLSSocket)) connection.socket.resetAndDestroy();
    else connection.socket.destroy();
    wake(connection);
  }

  function add(socket: Socket, host: string, invocation: AbortSignal): Opened {
    const connection: Connection = {
      socket,
      host,
      invocation,
      chunks: [],
      size: 0,
      ended: false,
      failure: undefined,
      waiting: [],
    };
    const id = nextId++;
    connections.set(id, connection);
    invocation.addEventListener("abort", () => close(id), { once: true });
    receive(connection);
    if (invocation.aborted) close(id);
    const secured = socket instanceof TLSSocket ? socket : undefined;
    return {
      id,
      certificate: secured === undefined ? null : certificateOf(secured),
      remoteAddress: known(socket.remoteAddress, socket.remotePort),
      localAddress: known(socket.localAddress, socket.localPort),
      alpn: secured?.alpnProtocol || null,
    };
  }

  return {
    async open(argument, signal, invocation) {
      const { target, tls, alpn, allowHalfOpen } = argument as {
        readonly target: string;
        readonly tls: unknown;
        readonly alpn?: unknown;
        readonly allowHalfOpen?: unknown;
      };
      const [host, port] = placeOf(target, "connect");
      if (!lists(net, target))
        throw new DeniedError(
          `not permitted: to connect to ${target}, add it to the plugin: permissions: { net: [${JSON.stringify(target)}] }`,
        );
      const settings = tls === null ? null : readTls(tls, "connect");
      const protocols = readAlpn(alpn, "connect");
      if (opening + connections.size >= CONNECTIONS_MAX)
        throw new Error(`connect: more than ${CONNECTIONS_MAX} connections at a time`);
      opening++;
      let socket: Socket;
      try {
        const address = await addressOf(host, port, net, resolve);
        socket = await dial(
          { host: address, port: Number(port), allowHalfOpen: allowHalfOpen === true },
          settings === null ? null : { settings, name: host, alpn: protocols },
          "connect",
          signal,
        );
      } finally {
        opening--;
      }
      return add(socket, host, invocation);
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
    end(id) {
      const { socket } = connectionOf(id);
      return new Promise((done) => {
        socket.once("close", () => done(null));
        socket.end(() => done(null));
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
    async startTls(id, argument, signal) {
      const plain = connectionOf(id);
      const { socket, host, size, invocation, ended } = plain;
      if (socket instanceof TLSSocket)
        throw new Error("connect: the connection speaks TLS already");
      // Whatever comes of it, the plain one is at its end; and what is made of it counts as none for as long as that takes.
      forget(id);
      wake(plain);
      opening++;
      try {
        const { tls, alpn } = argument as { readonly tls?: unknown; readonly alpn?: unknown };
        const settings = readTls(tls, "connect");
        const protocols = readAlpn(alpn, "connect");
        // What came before TLS could be anybody's, and must not be taken for what was said within.
        if (size > 0) throw new Error("connect: the other side said more before TLS than was read");
        if (ended) throw new Error("connect: the other side closed the connection before TLS");
        for (const event of ["data", "end", "close", "error"]) socket.removeAllListeners(event);
        socket.on("error", () => undefined);
        const secured = await upgrade(
          socket,
          { settings, name: host, alpn: protocols },
          "connect",
          signal,
        );
        return add(secured, host, invocation);
      } catch (error) {
        socket.destroy();
        throw error;
      } finally {
        opening--;
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
  return new Promise((woken) => {
    connection.waiting.push(woken);
    signal.addEventListener("abort", () => woken(), { once: true });
  });
}

function wake(connection: Connection): void {
  const { waiting } = connection;
  connection.waiting = [];
  for (const woken of waiting) woken();
}

function receive(connection: Connection): void {
  const { socket } = connection;
  socket.on("data", (chunk: Buffer) => {
    connection.chunks.push(chunk);
    connection.size += chunk.length;
    if (connection.size >= BUFFER_BYTES_MAX) socket.pause();
    wake(connection);
  });
  socket.on("end", () => {
    connection.ended = true;
    wake(connection);
  });
  socket.on("close", () => {
    connection.ended = true;
    wake(connection);
  });
  socket.on("error", (error) => {
    connection.failure = reasonOf(error);
    // A TLS alert alone does not end it, and what is being written would stay without an answer.
    socket.destroy();
    wake(connection);
  });
}

/** The index behind the delimiter, 0 when it is not there. */
function endOf(octets: Buffer, delimiter: string): number {
  const at = octets.indexOf(delimiter, 0, "utf8");
  return at < 0 ? 0 : at + Buffer.byteLength(delimiter);
}

function known(address: string | undefined, port: number | undefined): string | null {
  return address === undefined || port === undefined ? null : placeText(address, port);
}
