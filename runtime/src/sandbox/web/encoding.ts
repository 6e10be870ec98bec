/** TextEncoder and TextDecoder for UTF-8, UTF-16 and single bytes, by @exodus/bytes; atob and btoa as the Infra standard has them. */
import { fromBase64, toBase64 } from "@exodus/bytes/base64.js";
import { TextDecoder as AnyTextDecoder } from "@exodus/bytes/encoding-lite.js";
import type { Load } from "./parts.ts";
import { bytesOf, octetsOf } from "./octets.ts";

export { TextEncoder } from "@exodus/bytes/encoding-lite.js";

declare const load: Load;

/** Their tables are larger than all else here together. */
const ABSENT = ["gbk", "gb18030", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr"];

export class TextDecoder extends AnyTextDecoder {
  constructor(
    label?: string,
    options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
  ) {
    super(label, options);
    if (ABSENT.includes(this.encoding))
      throw new RangeError(
        `TextDecoder: ${this.encoding} is not there, but UTF-8, UTF-16 and encodings of one byte a character`,
      );
  }
}

export function btoa(data: string): string {
  const text = `${data}`;
  if (/[^\0-\xff]/.test(text)) throw refuse("btoa: found a character above U+00FF, expected none");
  return toBase64(bytesOf(text));
}

/** Forgiving: white space is ignored, and so is a missing padding. */
export function atob(data: string): string {
  const compact = `${data}`.replaceAll(/[\t\n\f\r ]/g, "");
  const bare = compact.length % 4 === 0 ? compact.replace(/={1,2}$/, "") : compact;
  if (bare.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(bare)) throw refuse("atob: found no base64");
  // Bits that are left over are ignored as well; the package would refuse them.
  const last = bare.length % 4;
  const kept = last === 2 ? 0b110000 : 0b111100;
  const whole =
    last === 0
      ? bare
      : bare.slice(0, -1) + ALPHABET.charAt(ALPHABET.indexOf(bare.slice(-1)) & kept);
  return octetsOf(fromBase64(whole, { padding: false }));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function refuse(message: string): Error {
  return new (load("events").DOMException)(message, "InvalidCharacterError");
}
