/** IP addresses on interfaces, by netlink (linux/if_addr.h): added with a lifetime, renewed, removed, listed. */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { addressFromOctets, familyOf, octetCount, octetsOf } from "../packet/address.ts";
import type { NetlinkMessage, NetlinkSocket } from "./netlink.ts";
import { attribute, parseAttributes } from "./netlink.ts";

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const AF_INET = 2;
const AF_INET6 = 10;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const IFADDRMSG_OCTETS = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_NOPREFIXROUTE = 0x200;
const SCOPES = { global: 0, site: 200, link: 253, host: 254 } as const;
const FOREVER = 0xffffffff;
const EADDRNOTAVAIL = 99;

export interface InterfaceAddress {
  readonly index: number;
  readonly family: AddressFamily;
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** IPv6: whether it may be used; not while the kernel looks for a duplicate, or found one. */
  readonly usable: boolean;
}

/** What an address is added with. */
export interface AddressOptions {
  readonly address: IpAddress;
  readonly prefixLength: number;
  readonly label?: string | undefined;
  readonly scope?: keyof typeof SCOPES | undefined;
  readonly broadcast?: IpAddress | undefined;
  readonly peer?: IpAddress | undefined;
  /** Seconds; at most the lifetime. */
  readonly preferredSeconds?: number | undefined;
  readonly noPrefixRoute?: boolean | undefined;
  readonly detectDuplicates?: boolean | undefined;
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
  options: AddressOptions,
  seconds: number | undefined,
): number {
  const valid = seconds ?? FOREVER;
  const lifetime = new DataView(new ArrayBuffer(16));
  lifetime.setUint32(0, Math.min(options.preferredSeconds ?? valid, valid), true);
  lifetime.setUint32(4, valid, true);
  const flags = new DataView(new ArrayBuffer(4));
  flags.setUint32(
    0,
    (options.detectDuplicates === true ? 0 : IFA_F_NODAD) |
      (options.noPrefixRoute === true ? IFA_F_NOPREFIXROUTE : 0),
    true,
  );
  const more = [
    attribute(IFA_CACHEINFO, new Uint8Array(lifetime.buffer)),
    attribute(IFA_FLAGS, new Uint8Array(flags.buffer)),
  ];
  if (options.label !== undefined)
    more.push(attribute(IFA_LABEL, new TextEncoder().encode(`${options.label}\0`)));
  if (options.broadcast !== undefined)
    more.push(attribute(IFA_BROADCAST, octetsOf(options.broadcast)));
  const payload = message(index, options, more);
  return netlink.change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, payload).errno;
}

/** @returns 0 when it is gone (also when it was not there), or the errno. */
export function removeAddress(
  netlink: NetlinkSocket,
  index: number,
  options: AddressOptions,
): number {
  const { errno } = netlink.change(RTM_DELADDR, 0, message(index, options, []));
  return errno === EADDRNOTAVAIL ? 0 : errno;
}

/** All addresses of the host, in the kernel's order: an interface's primary address comes first. */
export function listAddresses(netlink: NetlinkSocket): InterfaceAddress[] {
  return netlink
    .dump(RTM_GETADDR, new Uint8Array(IFADDRMSG_OCTETS))
    .messages.flatMap((entry) => parseEntry(entry) ?? []);
}

/** The address that a message reports as added or renewed; undefined for any other message. */
export function addedAddress(message: NetlinkMessage): IpAddress | undefined {
  return message.type === RTM_NEWADDR ? parseEntry(message)?.address : undefined;
}

/** What an address message speaks of; undefined for any other message. */
function parseEntry({ type, payload }: NetlinkMessage): InterfaceAddress | undefined {
  if ((type !== RTM_NEWADDR && type !== RTM_DELADDR) || payload.byteLength < IFADDRMSG_OCTETS)
    return undefined;
  const number = payload.getUint8(0);
  if (number !== AF_INET && number !== AF_INET6) return undefined;
  const family = number === AF_INET ? "ipv4" : "ipv6";
  const attributes = parseAttributes(payload, IFADDRMSG_OCTETS);
  const octets = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (octets?.length !== octetCount(family)) return undefined;
  const wide = attributes.get(IFA_FLAGS);
  const flags =
    wide === undefined
      ? payload.getUint8(2)
      : new DataView(wide.buffer, wide.byteOffset).getUint32(0, true);
  return {
    index: payload.getUint32(4, true),
    family,
    address: addressFromOctets(family, octets),
    prefixLength: payload.getUint8(1),
    usable: (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0,
  };
}

function message(
  index: number,
  { address, prefixLength, peer, scope }: AddressOptions,
  more: readonly Uint8Array[],
): Uint8Array {
  const header = new DataView(new ArrayBuffer(IFADDRMSG_OCTETS));
  header.setUint8(0, familyOf(address) === "ipv4" ? AF_INET : AF_INET6);
  header.setUint8(1, prefixLength);
  header.setUint8(3, SCOPES[scope ?? "global"]);
  header.setUint32(4, index, true);
  const parts = [
    new Uint8Array(header.buffer),
    attribute(IFA_LOCAL, octetsOf(address)),
    attribute(IFA_ADDRESS, octetsOf(peer ?? address)),
    ...more,
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
