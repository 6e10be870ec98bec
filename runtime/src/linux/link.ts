/** Network interfaces, by netlink (linux/if_link.h). */
import type { NetlinkSocket } from "./netlink.ts";
import { parseAttributes } from "./netlink.ts";

const RTM_GETLINK = 18;
const IFINFOMSG_OCTETS = 16;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Set up by the administrator, and with a carrier. */
  readonly up: boolean;
  /** The hardware address; empty where the interface has none. */
  readonly station: Uint8Array;
  /** Index of the interface below it, as of a macvlan; undefined where there is none. */
  readonly lower: number | undefined;
  readonly mtu: number;
}

/** All interfaces of the host. */
export function listLinks(netlink: NetlinkSocket): Link[] {
  return netlink.dump(RTM_GETLINK, new Uint8Array(IFINFOMSG_OCTETS)).messages.map(({ payload }) => {
    const attributes = parseAttributes(payload, IFINFOMSG_OCTETS);
    const flags = payload.getUint32(8, true);
    return {
      index: payload.getInt32(4, true),
      name: new TextDecoder()
        .decode(attributes.get(IFLA_IFNAME) ?? new Uint8Array(0))
        .replace(/\0.*$/s, ""),
      up: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
      station: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(0),
      lower: uint32At(attributes.get(IFLA_LINK)),
      mtu: uint32At(attributes.get(IFLA_MTU)) ?? 0,
    };
  });
}

function uint32At(bytes: Uint8Array | undefined): number | undefined {
  return bytes?.length === 4
    ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
    : undefined;
}
