/**
 * Crypto: random bytes, and digests by @noble/hashes. There is no source of randomness inside an isolate: the host gives
 * each context a seed, from which HMAC-SHA-256 derives all that follows. The key changes with each request, so that what
 * was given before cannot be found from what is in memory now.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { Load, WebHost } from "./parts.ts";
import { isBytes, viewOf } from "./octets.ts";

declare const load: Load;
declare const host: WebHost;

const RANDOM_BYTES_MAX = 65_536;
const DIGEST_BYTES_MAX = 1024 * 1024;
const OWN = Symbol("made by this file");
const DIGESTS = new Map([
  ["SHA-1", sha1],
  ["SHA-256", sha256],
  ["SHA-384", sha384],
  ["SHA-512", sha512],
]);
const INTEGERS = /^(?:Int8|Uint8|Uint8Clamped|Int16|Uint16|Int32|Uint32|BigInt64|BigUint64)Array$/;

let key: Uint8Array | undefined;

function fill(bytes: Uint8Array): void {
  // The seed's digits serve as they are: HMAC takes a key of any form.
  key ??= Uint8Array.from(host.takeSeed(), (digit) => digit.charCodeAt(0));
  const block = new Uint8Array(4);
  const counter = new DataView(block.buffer);
  for (let from = 0, number = 1; from < bytes.length; from += 32, number++) {
    counter.setUint32(0, number);
    bytes.set(hmac(sha256, key, block).subarray(0, bytes.length - from), from);
  }
  counter.setUint32(0, 0);
  key = hmac(sha256, key, block);
}

function refuse(name: string, message: string): Error {
  return new (load("events").DOMException)(message, name);
}

export class SubtleCrypto {
  constructor(own?: symbol) {
    if (own !== OWN) throw new TypeError("SubtleCrypto has no constructor: use crypto.subtle");
  }

  async digest(algorithm: string | { readonly name: string }, data: unknown): Promise<ArrayBuffer> {
    const name = `${typeof algorithm === "object" ? algorithm.name : algorithm}`.toUpperCase();
    const digest = DIGESTS.get(name);
    if (digest === undefined)
      throw refuse(
        "NotSupportedError",
        `digest: found ${name.slice(0, 100)}, expected one of ${[...DIGESTS.keys()].join(", ")}`,
      );
    if (!isBytes(data)) throw new TypeError("digest: expected an ArrayBuffer or a view of one");
    if (data.byteLength > DIGEST_BYTES_MAX)
      throw refuse(
        "OperationError",
        `digest: found ${data.byteLength} bytes, expected at most ${DIGEST_BYTES_MAX}`,
      );
    return digest(viewOf(data)).slice().buffer;
  }

  get [Symbol.toStringTag](): string {
    return "SubtleCrypto";
  }
}

export class Crypto {
  readonly #subtle = new SubtleCrypto(OWN);

  constructor(own?: symbol) {
    if (own !== OWN) throw new TypeError("Crypto has no constructor: use crypto");
  }

  get subtle(): SubtleCrypto {
    return this.#subtle;
  }

  getRandomValues<View extends ArrayBufferView>(view: View): View {
    const kind = ArrayBuffer.isView(view)
      ? (view as unknown as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag]
      : typeof view;
    if (!ArrayBuffer.isView(view))
      throw new TypeError(`getRandomValues: found ${kind}, expected a typed array of integers`);
    if (!INTEGERS.test(kind))
      throw refuse(
        "TypeMismatchError",
        `getRandomValues: found ${kind}, expected a typed array of integers`,
      );
    if (view.byteLength > RANDOM_BYTES_MAX)
      throw refuse(
        "QuotaExceededError",
        `getRandomValues: found ${view.byteLength} bytes, expected at most ${RANDOM_BYTES_MAX}`,
      );
    fill(viewOf(view));
    return view;
  }

  randomUUID(): string {
    const bytes = new Uint8Array(16);
    fill(bytes);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  get [Symbol.toStringTag](): string {
    return "Crypto";
  }
}

export const crypto = new Crypto(OWN);
