/**
 * The authentication trailer of draft-cassen-vrrp-auth-hmac, which follows an advertisement of either version and family.
 *
 *      scheme (1: HMAC-SHA256, 128 bits) | key id | reserved
 *      seconds since 1970 (UTC)
 *      fraction of the second in 1/65536  | counter
 *      first 16 octets of the HMAC
 *
 * Seconds, fraction and counter together are a sequence number of 64 bits. The digest is handed in by whoever has one.
 */
import type { IpAddress } from "./address.ts";
import { familyOf, octetsOf } from "./address.ts";

export const TRAILER_OCTETS = 28;
export const TRAILER_MAC_OCTETS = 16;
const SCHEME_HMAC_SHA256_128 = 1;
const MAC_AT = 12;
const PSEUDO_HEADER_OCTETS = 20;
const CHECKSUM_AT = 6;

export interface HmacTrailer {
  readonly keyId: number;
  readonly sequence: bigint;
  readonly mac: Uint8Array;
}

/** Reads the 28 octets behind an advertisement. Returns undefined for another scheme, key 0, or a reserved bit that is set. */
export function parseTrailer(bytes: Uint8Array): HmacTrailer | undefined {
  if (bytes.length !== TRAILER_OCTETS || bytes[0] !== SCHEME_HMAC_SHA256_128) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const keyId = view.getUint8(1);
  if (keyId === 0 || view.getUint16(2) !== 0) return undefined;
  return { keyId, sequence: view.getBigUint64(4), mac: bytes.subarray(MAC_AT) };
}

/** The trailer with a zero HMAC. */
export function emitTrailer(keyId: number, sequence: bigint): Uint8Array {
  const bytes = new Uint8Array(TRAILER_OCTETS);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, SCHEME_HMAC_SHA256_128);
  view.setUint8(1, keyId);
  view.setBigUint64(4, sequence);
  return bytes;
}

/** Puts the HMAC, cut to its length, into a trailer. */
export function signTrailer(trailer: Uint8Array, digest: Uint8Array): void {
  trailer.set(digest.subarray(0, TRAILER_MAC_OCTETS), MAC_AT);
}

/**
 * What the digest is computed over: family, version, virtual router and sender; the advertisement with its checksum
 * read as zero; the trailer with its HMAC read as zero.
 */
export function trailerInput(
  source: IpAddress,
  advertisement: Uint8Array,
  trailer: Uint8Array,
): Uint8Array {
  const input = new Uint8Array(PSEUDO_HEADER_OCTETS + advertisement.length + TRAILER_OCTETS);
  input[0] = familyOf(source) === "ipv4" ? 4 : 6;
  input[1] = (advertisement[0] ?? 0) >>> 4;
  input[2] = advertisement[1] ?? 0;
  input.set(octetsOf(source), 4);
  input.set(advertisement, PSEUDO_HEADER_OCTETS);
  input.fill(0, PSEUDO_HEADER_OCTETS + CHECKSUM_AT, PSEUDO_HEADER_OCTETS + CHECKSUM_AT + 2);
  input.set(trailer.subarray(0, MAC_AT), PSEUDO_HEADER_OCTETS + advertisement.length);
  return input;
}
