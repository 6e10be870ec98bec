/** IPv4 addresses on interfaces, by netlink (linux/if_addr.h): added with a lifetime, renewed, removed, listed. */
import type { Ipv4Address } from "../packet/address.ts";
import { ipv4FromOctets, ipv4Octets } from "../packet/address.ts";
import type { NetlinkMessage, NetlinkSocket } from "./netlink.ts";
import { attribute, parseAttributes } from "./netlink.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const AF_INET = 2;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const IFADDRMSG_OCTETS = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_CACHEINFO = 6;
const IFA_F_SECONDARY = 0x01;
const FOREVER = 0xffffffff;
const EADDRNOTAVAIL = 99;

export interface InterfaceAddress {
  readonly index: number;
  readonly address: Ipv4Address;
  readonly prefixLength: number;
  readonly secondary: boolean;
}

/**
 * Puts an address on an interface, or renews its lifetime where it is there already.
 *
 * @param seconds until the kernel removes it by itself; undefined: never.
 * @returns 0, or the errno.
 */
export function putAddress(
  netlink: NetlinkSocket,
  index: number,
  address: Ipv4Address,
  prefixLength: number,
  seconds: number | undefined,
): number {
  const lifetime = new DataView(new ArrayBuffer(16));
  lifetime.setUint32(0, seconds ?? FOREVER, true);
  lifetime.setUint32(4, seconds ?? FOREVER, true);
  const payload = message(
    index,
    prefixLength,
    address,
    attribute(IFA_CACHEINFO, new Uint8Array(lifetime.buffer)),
  );
  return netlink.change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, payload).errno;
}

/** @returns 0 when it is gone (also when it was not there), or the errno. */
export function removeAddress(
  netlink: NetlinkSocket,
  index: number,
  address: Ipv4Address,
  prefixLength: number,
): number {
  const { errno } = netlink.change(
    RTM_DELADDR,
    0,
    message(index, prefixLength, address, new Uint8Array(0)),
  );
  return errno === EADDRNOTAVAIL ? 0 : errno;
}

/** All IPv4 addresses of the host, in the kernel's order: an interface's primary address comes first. */
export function listAddresses(netlink: NetlinkSocket): InterfaceAddress[] {
  const header = new Uint8Array(IFADDRMSG_OCTETS);
  header[0] = AF_INET;
  return netlink.dump(RTM_GETADDR, header).messages.flatMap((entry) => parseAddress(entry) ?? []);
}

/** The address that a message reports as added or renewed; undefined for any other message. */
export function addedAddress(message: NetlinkMessage): Ipv4Address | undefined {
  return message.type === RTM_NEWADDR ? parseAddress(message)?.address : undefined;
}

/** What an address message speaks of; undefined for any other message. */
function parseAddress({ type, payload }: NetlinkMessage): InterfaceAddress | undefined {
  if (
    (type !== RTM_NEWADDR && type !== RTM_DELADDR) ||
    payload.byteLength < IFADDRMSG_OCTETS ||
    payload.getUint8(0) !== AF_INET
  )
    return undefined;
  const attributes = parseAttributes(payload, IFADDRMSG_OCTETS);
  const octets = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (octets?.length !== 4) return undefined;
  return {
    index: payload.getUint32(4, true),
    address: ipv4FromOctets(octets),
    prefixLength: payload.getUint8(1),
    secondary: (payload.getUint8(2) & IFA_F_SECONDARY) !== 0,
  };
}

function message(
  index: number,
  prefixLength: number,
  address: Ipv4Address,
  more: Uint8Array,
): Uint8Array {
  const octets = ipv4Octets(address);
  const parts = [
    new Uint8Array(IFADDRMSG_OCTETS),
    attribute(IFA_LOCAL, octets),
    attribute(IFA_ADDRESS, octets),
    more,
  ];
  const header = new DataView((parts[0] as Uint8Array).buffer);
  header.setUint8(0, AF_INET);
  header.setUint8(1, prefixLength);
  header.setUint32(4, index, true);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
