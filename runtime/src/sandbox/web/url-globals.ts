/**
 * What whatwg-url and its dependencies find as globals: TextEncoder and TextDecoder are not the plugin's, which it may have
 * replaced, and SharedArrayBuffer, of which webidl-conversions wants to know how to recognise one, has no instances here.
 */
export { TextDecoder, TextEncoder } from "@exodus/bytes/encoding-lite.js";

export class SharedArrayBuffer {
  get byteLength(): number {
    throw new TypeError("there is no SharedArrayBuffer");
  }
  get growable(): boolean {
    throw new TypeError("there is no SharedArrayBuffer");
  }
}
