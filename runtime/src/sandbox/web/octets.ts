/** Bytes as a text with one character for each octet: the form in which they cross the border of the isolate. */

const PIECE = 4096;

/** @param bytes a view of any kind, or a buffer. */
export function octetsOf(bytes: ArrayBuffer | ArrayBufferView): string {
  const octets = viewOf(bytes);
  let text = "";
  for (let from = 0; from < octets.length; from += PIECE)
    // Spread, they would be iterated over, which takes five times as long.
    text += Reflect.apply(String.fromCharCode, undefined, octets.subarray(from, from + PIECE));
  return text;
}

export function bytesOf(octets: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(octets.length);
  for (let index = 0; index < octets.length; index++) bytes[index] = octets.charCodeAt(index);
  return bytes;
}

export function viewOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** Whether it is an ArrayBuffer, a typed array or a DataView. */
export function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/** A text in UTF-8; what is no character is replaced. */
export function utf8Of(text: string): string {
  return isAscii(text) ? text : unescape(encodeURIComponent(text.toWellFormed()));
}

export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
