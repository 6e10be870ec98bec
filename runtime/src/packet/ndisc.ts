/**
 * Unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6): "this IPv6 address is at this station", to
 * everybody on the link. What gratuitous ARP is to IPv4.
 *
 *     Ethernet: 33:33:00:00:00:01 | sender | 0x86dd
 *     IPv6:     the address itself -> ff02::1, hop limit 255, next header 58
 *     ICMPv6:   136 | 0 | checksum | R S O, reserved | target address | option 2: target's link-layer address
 */
import type { Ipv6Address } from "./address.ts";
import { octetsOf } from "./address.ts";
import { internetChecksum, pseudoHeader } from "./checksum.ts";
import { PROTOCOL_ICMPV6 } from "./ip.ts";
import { emitIpv6Header } from "./ipv6.ts";

const ALL_NODES = "ff02::1" as Ipv6Address;
const ALL_NODES_STATION = [0x33, 0x33, 0, 0, 0, 1];
const HOP_LIMIT = 255;
const TYPE_NEIGHBOUR_ADVERTISEMENT = 136;
const FLAG_ROUTER = 0x80;
const FLAG_OVERRIDE = 0x20;
const OPTION_TARGET_LINK_LAYER_ADDRESS = 2;

/**
 * The whole Ethernet frame.
 *
 * @param station the interface's hardware address, 6 octets.
 * @param router whether this host forwards packets (the R flag).
 */
export function emitNeighbourAdvertisement(
  station: Uint8Array,
  address: Ipv6Address,
  router: boolean,
): Uint8Array {
  const flags = FLAG_OVERRIDE | (router ? FLAG_ROUTER : 0);
  const message = Uint8Array.from([
    TYPE_NEIGHBOUR_ADVERTISEMENT,
    0,
    0,
    0,
    flags,
    0,
    0,
    0,
    ...octetsOf(address),
    OPTION_TARGET_LINK_LAYER_ADDRESS,
    1,
    ...station,
  ]);
  const checksum = internetChecksum(
    message,
    pseudoHeader(address, ALL_NODES, PROTOCOL_ICMPV6, message.length),
  );
  message[2] = checksum >>> 8;
  message[3] = checksum & 0xff;
  const header = emitIpv6Header({
    source: address,
    destination: ALL_NODES,
    hopLimit: HOP_LIMIT,
    nextHeader: PROTOCOL_ICMPV6,
    trafficClass: 0,
    payloadOctets: message.length,
  });
  return Uint8Array.from([...ALL_NODES_STATION, ...station, 0x86, 0xdd, ...header, ...message]);
}
