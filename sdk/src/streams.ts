/**
 * The streams of a connection. They are the web's own objects, described here by what they have, so that this file needs no
 * environment: they fit wherever a `ReadableStream<Uint8Array>` and a `WritableStream<Uint8Array | string>` are wanted.
 */
import type { Signal } from "./fetch.ts";

/** What a connection gives. */
type Bytes = Uint8Array<ArrayBuffer>;

/** What a reader gets. */
export type StreamResult<Chunk> =
  | { done: false; value: Chunk }
  | { done: true; value: Chunk | undefined };

/** A `ReadableStreamDefaultReader` of bytes. */
export interface StreamReader {
  /** Resolved when the stream has ended, rejected when it failed or the lock was released. */
  readonly closed: Promise<void>;
  read(): Promise<StreamResult<Bytes>>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** A `ReadableStreamBYOBReader`: it fills buffers that it is given, and keeps them for itself. */
export interface StreamByteReader {
  readonly closed: Promise<void>;
  read<View extends ArrayBufferView>(
    view: View,
    options?: { min?: number },
  ): Promise<StreamResult<View>>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** A `WritableStreamDefaultWriter`. */
export interface StreamWriter<Chunk> {
  readonly closed: Promise<void>;
  /** Chunks until it is better to wait for `ready`; null when writing has failed. */
  readonly desiredSize: number | null;
  readonly ready: Promise<void>;
  /** The chunk may be left out only because it may in the types of browsers, which these must fit. */
  write(chunk?: Chunk): Promise<void>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/** What `pipeTo` does at an end or an error, as on the web. */
export interface PipeOptions {
  preventAbort?: boolean;
  preventCancel?: boolean;
  preventClose?: boolean;
  signal?: Signal;
}

/** What `for await` goes over. */
export interface ByteIterator extends AsyncIteratorObject<Bytes, undefined, unknown> {
  [Symbol.asyncIterator](): ByteIterator;
}

/** A `ReadableStream` of bytes. */
export interface ByteReadable {
  readonly locked: boolean;
  getReader(options: { mode: "byob" }): StreamByteReader;
  getReader(): StreamReader;
  getReader(options?: { mode?: "byob" }): StreamReader | StreamByteReader;
  cancel(reason?: unknown): Promise<void>;
  /** Through a TransformStream, a TextDecoderStream and the like. @returns their readable side. */
  pipeThrough<Readable>(
    transform: { readable: Readable; writable: StreamSink },
    options?: PipeOptions,
  ): Readable;
  pipeTo(destination: StreamSink, options?: PipeOptions): Promise<void>;
  tee(): [ByteReadable, ByteReadable];
  values(options?: { preventCancel?: boolean }): ByteIterator;
  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): ByteIterator;
}

/** Any `WritableStream` that takes bytes. */
export interface StreamSink {
  readonly locked: boolean;
  getWriter(): { write(chunk: Bytes): Promise<void> };
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}

/** A `WritableStream` of bytes, and of texts, which are sent as UTF-8. */
export interface ByteWritable extends StreamSink {
  getWriter(): StreamWriter<string | ArrayBuffer | ArrayBufferView>;
}
