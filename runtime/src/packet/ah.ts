/**
 * The IP authentication header (RFC 4302) with HMAC-MD5-96 (RFC 2403), as keepalived puts it before a version 2
 * advertisement. The digest itself is handed in by whoever has one.
 *
 *      next header (112) | length (4) | reserved (2 octets)
 *      security parameters index: the sender's address
 *      sequence number
 *      integrity check value (12 octets)
 */
import { IPV4_HEADER_OCTETS } from "./ipv4.ts";

export const AH_OCTETS = 24;
export const AH_ICV_OCTETS = 12;
/** Length of the header in 32-bit words, less 2. */
const AH_LENGTH = 4;
const ICV_AT = 12;

export interface AuthenticationHeader {
  readonly nextHeader: number;
  readonly sequence: number;
  readonly icv: Uint8Array;
  readonly payload: Uint8Array;
}

/** Reads what follows an IP header of protocol 51. Returns undefined for anything but the header above. */
export function parseAh(bytes: Uint8Array): AuthenticationHeader | undefined {
  if (bytes.length < AH_OCTETS || bytes[1] !== AH_LENGTH) return undefined;
  return {
    nextHeader: bytes[0] ?? 0,
    sequence: new DataView(bytes.buffer, bytes.byteOffset).getUint32(8),
    icv: bytes.subarray(ICV_AT, AH_OCTETS),
    payload: bytes.subarray(AH_OCTETS),
  };
}

/** The header with a zero integrity check value. */
export function emitAh(nextHeader: number, spi: Uint8Array, sequence: number): Uint8Array {
  const bytes = new Uint8Array(AH_OCTETS);
  bytes[0] = nextHeader;
  bytes[1] = AH_LENGTH;
  bytes.set(spi, 4);
  new DataView(bytes.buffer).setUint32(8, sequence);
  return bytes;
}

/**
 * What the digest is computed over (RFC 4302 section 3.3.3): the IP header with the fields zeroed that change on the
 * way, the authentication header with a zero integrity check value, the message. keepalived leaves the TTL of a
 * multicast packet in, which no router may change, and zeroes that of a unicast packet.
 *
 * @param body everything behind the IP header.
 */
export function ahInput(ipHeader: Uint8Array, body: Uint8Array, unicast: boolean): Uint8Array {
  const input = new Uint8Array(ipHeader.length + body.length);
  input.set(ipHeader);
  input.set(body, ipHeader.length);
  input[1] = 0;
  // Flags and fragment offset, then the header's checksum.
  input.fill(0, 6, 8);
  if (unicast) input[8] = 0;
  input.fill(0, 10, 12);
  // Options, if there are any, may change on the way.
  input.fill(0, IPV4_HEADER_OCTETS, ipHeader.length);
  input.fill(0, ipHeader.length + ICV_AT, ipHeader.length + AH_OCTETS);
  return input;
}
