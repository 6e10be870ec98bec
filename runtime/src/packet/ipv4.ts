/** The IPv4 header, as far as a raw socket's reader needs it (RFC 791 section 3.1). */
import type { Ipv4Address } from "./address.ts";
import { ipv4FromOctets } from "./address.ts";

const HEADER_OCTETS_MIN = 20;

export interface Ipv4Packet {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly ttl: number;
  readonly protocol: number;
  /** What the header's total length says belongs to the packet; a link's padding is not in it. */
  readonly payload: Uint8Array;
}

export type Ipv4DropReason = "ip header malformed" | "ip length mismatch" | "ip fragment";

/** Reads a whole IPv4 packet. The kernel has checked the header's checksum already. */
export function parseIpv4Packet(
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly value: Ipv4Packet }
  | { readonly ok: false; readonly reason: Ipv4DropReason } {
  const headerOctets = ((bytes[0] ?? 0) & 0x0f) * 4;
  if (
    bytes.length < HEADER_OCTETS_MIN ||
    (bytes[0] ?? 0) >>> 4 !== 4 ||
    headerOctets < HEADER_OCTETS_MIN
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
      source: ipv4FromOctets(bytes, 12),
      destination: ipv4FromOctets(bytes, 16),
      ttl: bytes[8] ?? 0,
      protocol: bytes[9] ?? 0,
      payload: bytes.subarray(headerOctets, totalOctets),
    },
  };
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
