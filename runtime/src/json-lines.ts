/**
 * Messages between our processes: one JSON value a line over a stream socket. The reader is bounded and never
 * throws on what the other side sent; a line that is too long or no JSON is reported and ends the conversation.
 */
import type { Duplex } from "node:stream";

/** The longest line either side accepts, in bytes: a plugin bundle with its source map fits with room to spare. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

export interface JsonLines<Outgoing> {
  /** Sends one message. Returns false when the other side does not keep up and the message was not sent. */
  send(message: Outgoing): boolean;
  /** Ends the conversation; nothing more is delivered. */
  close(): void;
}

/**
 * Speaks JSON lines over `stream`.
 *
 * @param onMessage gets each parsed line, as unknown: the receiver validates where trust changes.
 * @param onEnd is called once, with a reason when the other side broke the framing.
 * @param lineBytesMax the longest line accepted.
 */
export function jsonLines<Outgoing>(
  stream: Duplex,
  onMessage: (message: unknown) => void,
  onEnd: (reason: string | undefined) => void,
  lineBytesMax: number = LINE_BYTES_MAX,
): JsonLines<Outgoing> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let ended = false;

  function end(reason: string | undefined): void {
    if (ended) return;
    ended = true;
    pending = [];
    stream.destroy();
    onEnd(reason);
  }

  stream.on("data", (chunk: Buffer) => {
    let from = 0;
    for (
      let newline = chunk.indexOf(10);
      newline >= 0 && !ended;
      newline = chunk.indexOf(10, from)
    ) {
      const head = chunk.subarray(from, newline);
      from = newline + 1;
      if (pendingBytes + head.length > lineBytesMax)
        return end(`a line is longer than ${lineBytesMax} bytes`);
      const line = pending.length === 0 ? head : Buffer.concat([...pending, head]);
      pending = [];
      pendingBytes = 0;
      let message: unknown;
      try {
        message = JSON.parse(line.toString("utf8"));
      } catch {
        return end("a line is not JSON");
      }
      onMessage(message);
    }
    if (ended || from >= chunk.length) return;
    pending.push(Buffer.from(chunk.subarray(from)));
    pendingBytes += chunk.length - from;
    if (pendingBytes > lineBytesMax) end(`a line is longer than ${lineBytesMax} bytes`);
  });
  stream.on("error", (error) => end(error.message));
  stream.on("close", () => end(undefined));
  stream.on("end", () => end(undefined));

  return {
    send(message) {
      if (ended || stream.writableLength > lineBytesMax) return false;
      stream.write(`${JSON.stringify(message)}\n`);
      return true;
    },
    close() {
      ended = true;
      stream.destroy();
    },
  };
}
