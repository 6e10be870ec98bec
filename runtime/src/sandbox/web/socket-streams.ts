/** The two streams of a connection, as the WinterTC's sockets API has them. */
import {
  ReadableByteStreamController,
  ReadableStream,
  WritableStream,
  WritableStreamDefaultController,
} from "web-streams-polyfill";
import { bytesOf, isBytes, octetsOf, utf8Of } from "./octets.ts";

/** What one message to the host carries. */
const PIECE_OCTETS_MAX = 64 * 1024;

/** What carries them. Octets are texts with one character for each. */
export interface Transport {
  /** The next octets, at most 64 KiB; null when the other side has ended. */
  readonly read: () => Promise<string | null>;
  readonly write: (octets: string) => Promise<unknown>;
  /** Tells the other side that nothing more will come. */
  readonly end: () => Promise<unknown>;
  /** Nobody wants any more what `read` is waiting for. */
  readonly stopReading: () => void;
  /** Both sides have ended. */
  readonly finish: () => void;
  readonly fail: (error: unknown) => void;
  /** Ends it in the middle, so that the other side does not take what it got for the whole. */
  readonly abort: (reason: unknown) => void;
}

export interface SocketStreams {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<unknown>;
  /** Whether the stream has a reader or writer, or is still at work for one that has gone. */
  readonly isBusy: (stream: "readable" | "writable") => boolean;
  /** Whether octets came for a reader that has gone. */
  readonly holdsBytes: () => boolean;
  /** The connection is over. @param failed whether reading fails with the error; writing does in any case. */
  readonly end: (error: unknown, failed: boolean) => void;
}

export function socketStreams(transport: Transport, allowHalfOpen: boolean): SocketStreams {
  let source: ReadableByteStreamController | undefined;
  let sink: WritableStreamDefaultController | undefined;
  let pulling = false;
  let writing = false;
  let readEnded = false;
  let writeEnded = false;
  let over = false;

  const readable = new ReadableStream(
    {
      type: "bytes",
      start: (controller) => void (source = controller),
      async pull(controller) {
        pulling = true;
        try {
          const octets = await transport.read();
          if (over) return;
          if (octets === null) endReading();
          else controller.enqueue(bytesOf(octets));
        } catch (error) {
          transport.fail(error);
        } finally {
          pulling = false;
        }
      },
      cancel() {
        pulling = false;
        transport.stopReading();
      },
    },
    // Nothing is read ahead: what no reader has asked for stays where `read` and TLS find it.
    { highWaterMark: 0 },
  );

  const writable = new WritableStream<unknown>({
    start: (controller) => void (sink = controller),
    async write(chunk) {
      writing = true;
      try {
        const octets = octetsIn(chunk);
        for (let from = 0; from < octets.length; from += PIECE_OCTETS_MAX)
          await transport.write(octets.slice(from, from + PIECE_OCTETS_MAX));
      } catch (error) {
        transport.fail(error);
        throw error;
      } finally {
        writing = false;
      }
    },
    async close() {
      await transport.end();
      writeEnded = true;
      if (readEnded) transport.finish();
    },
    abort: (reason) => transport.abort(reason),
  });

  /** The writer that `getWriter` gave last: what it has written goes out before the stream is closed on its behalf. */
  let writer: ReturnType<typeof writable.getWriter> | undefined;
  const getWriter = writable.getWriter.bind(writable);
  Object.defineProperty(writable, "getWriter", { value: () => (writer = getWriter()) });

  function closeReadable(): void {
    readEnded = true;
    try {
      source?.close();
      // A reader with a buffer of its own waits for it until then.
      source?.byobRequest?.respond(0);
    } catch {
      // It was cancelled.
    }
  }

  function endReading(): void {
    closeReadable();
    if (writeEnded) transport.finish();
    else if (!allowHalfOpen) void closeWritable().then(transport.finish, transport.finish);
  }

  async function closeWritable(): Promise<void> {
    await (writable.locked ? writer?.close() : writable.close());
  }

  return {
    readable,
    writable,
    isBusy: (stream) =>
      stream === "writable"
        ? writable.locked || writing
        : readable.locked || pulling || holdsBytes(),
    holdsBytes,
    end(error, failed) {
      over = true;
      if (failed) source?.error(error);
      else closeReadable();
      sink?.error(error);
    },
  };

  function holdsBytes(): boolean {
    return (source?.desiredSize ?? 0) < 0;
  }
}

function octetsIn(chunk: unknown): string {
  if (typeof chunk === "string") return utf8Of(chunk);
  if (isBytes(chunk)) return octetsOf(chunk);
  throw new TypeError("connect: expected a text or bytes to write");
}
