/**
 * IP packets of a capture (RFC 791, RFC 8200), down to what they carry: behind an authentication header (RFC 4302)
 * too, and without Ethernet's padding. Other extension headers are not looked behind.
 */

const PROTOCOL_AH = 51;
const IPV4_HEADER_MIN = 20;
const IPV6_HEADER = 40;
const AH_HEADER_MIN = 12;

export type IpFamily = "ipv4" | "ipv6";

export interface Ip {
  readonly family: IpFamily;
  readonly source: string;
  readonly destination: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** IPv6: the traffic class. */
  readonly tos: number;
  /** What `payload` is: a number of IANA's protocol registry. */
  readonly protocol: number;
  readonly ah: AuthenticationHeader | undefined;
  readonly payload: Buffer;
  /** From the IP header on, without Ethernet's padding. */
  readonly packet: Buffer;
}

export interface AuthenticationHeader {
  readonly sequence: number;
}

/** @returns undefined when a header is not whole. */
export function decodeIpv4(bytes: Buffer): Ip | undefined {
  if (bytes.length < IPV4_HEADER_MIN) return undefined;
  const packet = bytes.subarray(0, bytes.readUInt16BE(2));
  const headerLength = (bytes.readUInt8(0) & 0x0f) * 4;
  if (headerLength < IPV4_HEADER_MIN || packet.length < headerLength) return undefined;
  return behindAh({
    family: "ipv4",
    source: ipv4(packet, 12),
    destination: ipv4(packet, 16),
    ttl: packet.readUInt8(8),
    tos: packet.readUInt8(1),
    protocol: packet.readUInt8(9),
    ah: undefined,
    payload: packet.subarray(headerLength),
    packet,
  });
}

/** @returns undefined when a header is not whole. */
export function decodeIpv6(bytes: Buffer): Ip | undefined {
  if (bytes.length < IPV6_HEADER) return undefined;
  const packet = bytes.subarray(0, IPV6_HEADER + bytes.readUInt16BE(4));
  return behindAh({
    family: "ipv6",
    source: ipv6(packet, 8),
    destination: ipv6(packet, 24),
    ttl: packet.readUInt8(7),
    tos: (packet.readUInt16BE(0) >> 4) & 0xff,
    protocol: packet.readUInt8(6),
    ah: undefined,
    payload: packet.subarray(IPV6_HEADER),
    packet,
  });
}

function behindAh(ip: Ip): Ip | undefined {
  if (ip.protocol !== PROTOCOL_AH) return ip;
  const header = ip.payload;
  if (header.length < AH_HEADER_MIN) return undefined;
  // Counted in words of four octets, less two.
  const length = (header.readUInt8(1) + 2) * 4;
  if (length < AH_HEADER_MIN || header.length < length) return undefined;
  return {
    ...ip,
    protocol: header.readUInt8(0),
    ah: { sequence: header.readUInt32BE(8) },
    payload: header.subarray(length),
  };
}

/** The address as text; the caller has checked that it is there. */
export function addressText(family: IpFamily, bytes: Buffer, offset: number): string {
  return family === "ipv4" ? ipv4(bytes, offset) : ipv6(bytes, offset);
}

function ipv4(bytes: Buffer, offset: number): string {
  return bytes.subarray(offset, offset + 4).join(".");
}

/** As RFC 5952 section 4 writes it: the first of the longest runs of two or more zero groups is "::". */
function ipv6(bytes: Buffer, offset: number): string {
  const text = Array.from({ length: 8 }, (_, index) =>
    bytes.readUInt16BE(offset + 2 * index).toString(16),
  ).join(":");
  const runs = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  return longest === "" ? text : text.replace(new RegExp(`(?:^|:)${longest}(?::|$)`), "::");
}
