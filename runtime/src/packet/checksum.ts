/** The internet checksum (RFC 1071), and the pseudo-header that IPv6 and keepalived's version 3 put before the message. */
import type { IpAddress } from "./address.ts";
import { octetsOf } from "./address.ts";

/**
 * The ones' complement sum of all 16-bit words, complemented. Over a message that carries its own right checksum it is 0.
 *
 * @param bytes the message; an odd last octet is padded with zero.
 * @param pseudoHeader what is summed before it; an even number of octets.
 */
export function internetChecksum(bytes: Uint8Array, pseudoHeader?: Uint8Array): number {
  let sum = pseudoHeader === undefined ? 0 : sumOf(pseudoHeader);
  sum += sumOf(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * Source, destination, length and protocol: of IPv6 as in RFC 8200 section 8.1, of IPv4 as in RFC 793 section 3.1.
 *
 * @param length octets of the message that the checksum covers.
 */
export function pseudoHeader(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): Uint8Array {
  const from = octetsOf(source);
  const to = octetsOf(destination);
  const [high, low] = [length >>> 8, length & 0xff];
  return from.length === 16
    ? Uint8Array.from([...from, ...to, 0, 0, high, low, 0, 0, 0, protocol])
    : Uint8Array.from([...from, ...to, 0, protocol, high, low]);
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  return sum;
}
