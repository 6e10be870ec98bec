/**
 * IP addresses as parsed values: canonical text that was checked once at the border, so that equal addresses are
 * equal strings and cross process boundaries as they are. IPv6 gets its twin here.
 */

declare const ipv4: unique symbol;

/** An IPv4 address in dotted decimal, known to be valid and canonical. */
export type Ipv4Address = string & { readonly [ipv4]: true };

/** Reads dotted decimal (four decimal numbers 0..255 without leading zeros). Returns undefined for anything else. */
export function parseIpv4(text: string): Ipv4Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  for (const part of parts)
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
  return text as Ipv4Address;
}

/** The address in the four octets of `bytes` from `offset` on; the caller has checked that they are there. */
export function ipv4FromOctets(bytes: Uint8Array, offset = 0): Ipv4Address {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}` as Ipv4Address;
}

/** The four octets, in network order. */
export function ipv4Octets(address: Ipv4Address): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

/** Negative, zero or positive as `a` is below, equal to or above `b`: unsigned, network order (RFC 9568 section 6.4.3). */
export function compareAddresses(a: Ipv4Address, b: Ipv4Address): number {
  const left = ipv4Octets(a);
  const right = ipv4Octets(b);
  for (let index = 0; index < left.length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
