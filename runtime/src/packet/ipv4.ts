/** The IPv4 header (RFC 791 section 3.1), as far as a raw socket needs it. */
import type { Ipv4Address } from "./address.ts";
import { ipv4FromOctets, octetsOf } from "./address.ts";
import { internetChecksum } from "./checksum.ts";
import type { IpPacket } from "./ip.ts";
import { CLASS_CONTROL } from "./ip.ts";

export const IPV4_HEADER_OCTETS = 20;

export type Ipv4DropReason = "ip header malformed" | "ip length mismatch" | "ip fragment";

/** Reads a whole IPv4 packet. The kernel has checked the header's checksum already. */
export function parseIpv4Packet(
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly value: IpPacket }
  | { readonly ok: false; readonly reason: Ipv4DropReason } {
  const headerOctets = ((bytes[0] ?? 0) & 0x0f) * 4;
  if (
    bytes.length < IPV4_HEADER_OCTETS ||
    (bytes[0] ?? 0) >>> 4 !== 4 ||
    headerOctets < IPV4_HEADER_OCTETS
  )
    return { ok: false, reason: "ip header malformed" };
  const totalOctets = word(bytes, 2);
  if (totalOctets < headerOctets || totalOctets > bytes.length)
    return { ok: false, reason: "ip length mismatch" };
  // More fragments to come, or an offset: not a whole message.
  if ((word(bytes, 6) & 0x3fff) !== 0) return { ok: false, reason: "ip fragment" };
  return {
    ok: true,
    value: {
      family: "ipv4",
      source: ipv4FromOctets(bytes, 12),
      destination: ipv4FromOctets(bytes, 16),
      hopLimit: bytes[8] ?? 0,
      protocol: bytes[9] ?? 0,
      header: bytes.subarray(0, headerOctets),
      payload: bytes.subarray(headerOctets, totalOctets),
    },
  };
}

/** The header of a packet that VRRP sends: control class of service, no flag that forbids fragments. */
export function emitIpv4Header(options: {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly ttl: number;
  readonly protocol: number;
  /** 1..65535; the kernel chooses one where it is 0. */
  readonly identification: number;
  readonly payloadOctets: number;
}): Uint8Array {
  const header = new Uint8Array(IPV4_HEADER_OCTETS);
  const total = IPV4_HEADER_OCTETS + options.payloadOctets;
  header[0] = (4 << 4) | (IPV4_HEADER_OCTETS / 4);
  header[1] = CLASS_CONTROL;
  header[2] = total >>> 8;
  header[3] = total & 0xff;
  header[4] = options.identification >>> 8;
  header[5] = options.identification & 0xff;
  header[8] = options.ttl;
  header[9] = options.protocol;
  header.set(octetsOf(options.source), 12);
  header.set(octetsOf(options.destination), 16);
  const checksum = internetChecksum(header);
  header[10] = checksum >>> 8;
  header[11] = checksum & 0xff;
  return header;
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
