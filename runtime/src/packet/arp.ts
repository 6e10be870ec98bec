/**
 * Gratuitous ARP (RFC 5227 section 3; RFC 826): "this address is at this station", to everybody on the link.
 *
 *     Ethernet: ff:ff:ff:ff:ff:ff | sender | 0x0806
 *     ARP:      1 Ethernet | 0x0800 IPv4 | 6 | 4 | 1 request | sender, address | ff:ff:ff:ff:ff:ff, address
 *
 * A request, with the broadcast address as target, is what keepalived sends: what switches and neighbours are used to.
 */
import type { Ipv4Address } from "./address.ts";
import { octetsOf } from "./address.ts";

const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/**
 * The whole Ethernet frame.
 *
 * @param station the interface's hardware address, 6 octets.
 */
export function emitGratuitousArp(station: Uint8Array, address: Ipv4Address): Uint8Array {
  const octets = octetsOf(address);
  return Uint8Array.from([
    ...BROADCAST,
    ...station,
    0x08,
    0x06,
    0,
    1,
    0x08,
    0,
    6,
    4,
    0,
    1,
    ...station,
    ...octets,
    ...BROADCAST,
    ...octets,
  ]);
}
