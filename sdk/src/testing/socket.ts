/** A conversation of a test as a socket: its streams, and how it opens and ends. */
import type { Connection, PendingConnection, SecureTransport, Socket } from "../network.ts";

/** What is said on it. */
export interface Talk extends Pick<
  Connection,
  "certificate" | "write" | "read" | "readUntil" | "expect"
> {
  readonly close: () => void;
}

interface Kind {
  readonly secureTransport: SecureTransport;
  readonly allowHalfOpen: boolean;
}

/** @param asked rejects with what connecting fails with. */
export function socketOf(
  asked: Promise<Talk>,
  { secureTransport, allowHalfOpen }: Kind,
): PendingConnection {
  const opening = Promise.withResolvers<Talk>();
  const closing = Promise.withResolvers<void>();
  let talk: Talk | undefined;
  /** What it ended with. */
  let ending: { readonly error: unknown } | undefined;
  let upgraded = false;
  let readEnded = false;
  let writeEnded = false;
  let source: ReadableByteStreamController | undefined;
  let sink: WritableStreamDefaultController | undefined;

  function end(error: unknown, failed: boolean): void {
    if (ending !== undefined) return;
    ending = { error };
    if (failed) source?.error(error);
    else closeReadable();
    sink?.error(error);
    if (failed) closing.reject(error);
    else closing.resolve();
  }

  function close(reason: unknown = closedError()): Promise<void> {
    talk?.close();
    end(reason, false);
    opening.reject(reason);
    return closing.promise;
  }

  function closeReadable(): void {
    readEnded = true;
    try {
      source?.close();
      source?.byobRequest?.respond(0);
    } catch {
      // It was cancelled.
    }
  }

  asked.then(
    (begun) => {
      if (ending !== undefined && !upgraded) begun.close();
      talk = begun;
      opening.resolve(begun);
    },
    (error: unknown) => {
      const told = socketErrorOf(error);
      opened.reject(told);
      opening.reject(error);
      end(told, true);
    },
  );

  const readable = new ReadableStream(
    {
      type: "bytes",
      start: (controller) => void (source = controller),
      async pull(controller) {
        try {
          const bytes = await (await opening.promise).read();
          if (ending !== undefined) return;
          if (bytes !== null) return controller.enqueue(bytes);
          closeReadable();
          if (writeEnded || !allowHalfOpen) void close();
        } catch (error) {
          end(socketErrorOf(error), true);
        }
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
    start: (controller) => void (sink = controller),
    async write(chunk) {
      try {
        await (await opening.promise).write(typeof chunk === "string" ? chunk : bytesIn(chunk));
      } catch (error) {
        end(socketErrorOf(error), true);
        throw error;
      }
    },
    close() {
      writeEnded = true;
      if (readEnded) void close();
    },
    abort: (reason) => void close(reason),
  });

  /** Its own methods, where no stream is in the way. */
  async function own<T>(
    stream: "readable" | "writable",
    work: (talk: Talk) => Promise<T>,
  ): Promise<T> {
    if (upgraded)
      throw new Error("connect: the connection speaks TLS already: use the one that startTls gave");
    if ((stream === "readable" ? readable : writable).locked)
      throw new Error(`connect: its ${stream} stream is in use: release its lock first`);
    return work(await opening.promise);
  }

  const opened = Promise.withResolvers<Awaited<Socket["opened"]>>();
  opening.promise.then(
    () => opened.resolve({ remoteAddress: null, localAddress: null, alpn: null }),
    (error: unknown) => opened.reject(error),
  );
  const socket = {
    readable: { value: readable },
    writable: { value: writable },
    opened: { value: opened.promise },
    closed: { value: closing.promise },
    upgraded: { get: () => upgraded },
    secureTransport: { value: secureTransport },
    close: { value: close },
    startTls: {
      value(): PendingConnection {
        if (upgraded || secureTransport === "on")
          return socketOf(Promise.reject(new Error("connect: the connection speaks TLS already")), {
            secureTransport: "on",
            allowHalfOpen,
          });
        upgraded = true;
        end(closedError(), false);
        return socketOf(asked, { secureTransport: "on", allowHalfOpen });
      },
    },
  };
  const connection = opening.promise.then((begun) =>
    Object.defineProperties(
      {
        certificate: begun.certificate,
        write: (data: string | Uint8Array) => own("writable", () => begun.write(data)),
        read: () => own("readable", () => begun.read()),
        readUntil: (delimiter: string) => own("readable", () => begun.readUntil(delimiter)),
        expect: (data: string | Uint8Array) => own("readable", () => begun.expect(data)),
      },
      socket,
    ),
  );
  // Whoever asks is told; nobody has to ask.
  for (const promise of [connection, opened.promise, closing.promise])
    promise.catch(() => undefined);
  return Object.defineProperties(connection, socket) as PendingConnection;
}

function closedError(): TypeError {
  return socketErrorOf(new Error("connect: the connection is closed"));
}

function socketErrorOf(error: unknown): TypeError {
  const message = error instanceof Error ? error.message : String(error);
  return new TypeError(`SocketError: ${message}`, { cause: error });
}

function bytesIn(chunk: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(chunk)) return new Uint8Array(chunk);
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
