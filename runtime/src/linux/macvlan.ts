/** Interfaces with a hardware address of their own above another interface, by netlink (linux/if_link.h). */
import type { NetlinkSocket } from "./netlink.ts";
import { attribute } from "./netlink.ts";

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFINFOMSG_OCTETS = 16;
const IFF_UP = 0x1;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_MACVLAN_MODE = 1;
const MODES = { private: 1, bridge: 4 } as const;

export interface MacvlanOptions {
  readonly name: string;
  /** Index of the interface below. */
  readonly lower: number;
  /** Hardware address, 6 octets. */
  readonly station: Uint8Array;
  /** `private`: sees nothing of other macvlans on the same interface. */
  readonly mode: keyof typeof MODES;
}

/** Makes the interface and sets it up. @returns 0, or the errno. */
export function addMacvlan(netlink: NetlinkSocket, options: MacvlanOptions): number {
  const info = [
    attribute(IFLA_INFO_KIND, new TextEncoder().encode("macvlan\0")),
    attribute(IFLA_INFO_DATA, attribute(IFLA_MACVLAN_MODE, uint32(MODES[options.mode]))),
  ];
  const payload = joined([
    message(0, true),
    attribute(IFLA_IFNAME, new TextEncoder().encode(`${options.name}\0`)),
    attribute(IFLA_LINK, uint32(options.lower)),
    attribute(IFLA_ADDRESS, options.station),
    attribute(IFLA_LINKINFO, joined(info)),
  ]);
  return netlink.change(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, payload).errno;
}

/** @returns 0, or the errno. */
export function removeLink(netlink: NetlinkSocket, index: number): number {
  return netlink.change(RTM_DELLINK, 0, message(index, false)).errno;
}

/** @returns 0, or the errno. */
export function setLinkUp(netlink: NetlinkSocket, index: number): number {
  return netlink.change(RTM_NEWLINK, 0, message(index, true)).errno;
}

/** struct ifinfomsg: family, type, index, flags, mask of the flags to change. */
function message(index: number, up: boolean): Uint8Array {
  const header = new DataView(new ArrayBuffer(IFINFOMSG_OCTETS));
  header.setInt32(4, index, true);
  if (up) {
    header.setUint32(8, IFF_UP, true);
    header.setUint32(12, IFF_UP, true);
  }
  return new Uint8Array(header.buffer);
}

function uint32(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value, true);
  return new Uint8Array(bytes.buffer);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
