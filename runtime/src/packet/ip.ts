/** What an IP packet is to VRRP, whichever family carried it. */
import type { AddressFamily, IpAddress } from "./address.ts";

/** IP protocol number of VRRP. */
export const PROTOCOL_VRRP = 112;
/** IP protocol number of the authentication header (RFC 4302). */
export const PROTOCOL_AH = 51;
/** IP protocol number of ICMP for IPv4. */
export const PROTOCOL_ICMP = 1;
/** IP protocol number of ICMP for IPv6. */
export const PROTOCOL_ICMPV6 = 58;

/** Precedence "internetwork control" (RFC 791 section 3.1), as routing protocols send. */
export const CLASS_CONTROL = 0xc0;

export interface IpPacket {
  readonly family: AddressFamily;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Time to live, or hop limit. */
  readonly hopLimit: number;
  readonly protocol: number;
  /** The header's octets where the kernel shows them: of IPv4 alone. An authentication header covers them. */
  readonly header: Uint8Array | undefined;
  /** What the header's length says belongs to the packet; a link's padding is not in it. */
  readonly payload: Uint8Array;
}
