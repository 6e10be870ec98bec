/** The internet checksum (RFC 1071). */

/**
 * The ones' complement sum of all 16-bit words, complemented. Over a message that carries its own right checksum it is 0.
 *
 * @param bytes the message; an odd last octet is padded with zero.
 */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2)
    sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
