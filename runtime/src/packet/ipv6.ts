/** The IPv6 header (RFC 8200 section 3) of a packet that we send. What arrives, the kernel has taken apart already. */
import type { Ipv6Address } from "./address.ts";
import { octetsOf } from "./address.ts";

export const IPV6_HEADER_OCTETS = 40;

/** @param trafficClass eight bits. */
export function emitIpv6Header(options: {
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
  readonly hopLimit: number;
  readonly nextHeader: number;
  readonly trafficClass: number;
  readonly payloadOctets: number;
}): Uint8Array {
  const header = new Uint8Array(IPV6_HEADER_OCTETS);
  header[0] = (6 << 4) | (options.trafficClass >>> 4);
  header[1] = (options.trafficClass & 0x0f) << 4;
  header[4] = options.payloadOctets >>> 8;
  header[5] = options.payloadOctets & 0xff;
  header[6] = options.nextHeader;
  header[7] = options.hopLimit;
  header.set(octetsOf(options.source), 8);
  header.set(octetsOf(options.destination), 24);
  return header;
}
