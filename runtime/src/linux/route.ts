/** Routes, by netlink (linux/rtnetlink.h): added or replaced, removed. */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { octetsOf } from "../packet/address.ts";
import type { NetlinkSocket } from "./netlink.ts";
import { attribute } from "./netlink.ts";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const AF_INET6 = 10;
const RTMSG_OCTETS = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_TABLE = 15;
const RTAX_MTU = 2;
const RT_TABLE_MAIN = 254;
const RTNH_F_ONLINK = 4;
/** RTPROT_KEEPALIVED: routes of a VRRP daemon, which `ip route` names so. */
const PROTOCOL = 18;
const SCOPES = { global: 0, link: 253, host: 254 } as const;
const TYPES = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const ESRCH = 3;

export interface Route {
  readonly family: AddressFamily;
  readonly destination: "default" | { readonly address: IpAddress; readonly prefixLength: number };
  readonly gateway?: IpAddress | undefined;
  /** Index of the interface that it leaves by. */
  readonly index?: number | undefined;
  /** The source address that the host prefers on it. */
  readonly source?: IpAddress | undefined;
  /** Default: the main table. */
  readonly table?: number | undefined;
  readonly metric?: number | undefined;
  readonly scope?: keyof typeof SCOPES | undefined;
  readonly type?: keyof typeof TYPES | undefined;
  /** The gateway is on the link even if no prefix says so. */
  readonly onLink?: boolean | undefined;
  readonly mtu?: number | undefined;
}

/** @returns 0, or the errno. */
export function addRoute(netlink: NetlinkSocket, route: Route): number {
  return netlink.change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, message(route)).errno;
}

/** @returns 0 when it is gone (also when it was not there), or the errno. */
export function removeRoute(netlink: NetlinkSocket, route: Route): number {
  const { errno } = netlink.change(RTM_DELROUTE, 0, message(route));
  return errno === ESRCH ? 0 : errno;
}

function message(route: Route): Uint8Array {
  const { family, destination, gateway, index, source, metric, mtu } = route;
  const type = route.type ?? "unicast";
  const direct = family === "ipv4" && type === "unicast" && gateway === undefined;
  const table = route.table ?? RT_TABLE_MAIN;
  const header = new Uint8Array(RTMSG_OCTETS);
  header[0] = family === "ipv4" ? AF_INET : AF_INET6;
  header[1] = destination === "default" ? 0 : destination.prefixLength;
  // Larger tables are told by their attribute alone.
  header[4] = table > 255 ? 0 : table;
  header[5] = PROTOCOL;
  header[6] = SCOPES[route.scope ?? (direct ? "link" : "global")];
  header[7] = TYPES[type];
  header[8] = route.onLink === true ? RTNH_F_ONLINK : 0;
  const parts = [header, attribute(RTA_TABLE, uint32(table))];
  if (destination !== "default") parts.push(attribute(RTA_DST, octetsOf(destination.address)));
  if (gateway !== undefined) parts.push(attribute(RTA_GATEWAY, octetsOf(gateway)));
  if (index !== undefined) parts.push(attribute(RTA_OIF, uint32(index)));
  if (source !== undefined) parts.push(attribute(RTA_PREFSRC, octetsOf(source)));
  if (metric !== undefined) parts.push(attribute(RTA_PRIORITY, uint32(metric)));
  if (mtu !== undefined) parts.push(attribute(RTA_METRICS, attribute(RTAX_MTU, uint32(mtu))));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function uint32(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value, true);
  return new Uint8Array(bytes.buffer);
}
