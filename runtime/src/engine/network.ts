/** What the kernel says of this host's interfaces and addresses, asked for all at once. */
import type { InterfaceAddress } from "../linux/address.ts";
import { listAddresses } from "../linux/address.ts";
import type { Link } from "../linux/link.ts";
import { listLinks } from "../linux/link.ts";
import type { NetlinkSocket } from "../linux/netlink.ts";
import type { IpAddress } from "../packet/address.ts";
import { isLinkLocal } from "../packet/address.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";
import type { LinkState } from "../vrrp/types.ts";

export interface Network {
  readonly links: ReadonlyMap<string, Link>;
  readonly addresses: readonly InterfaceAddress[];
}

export function readNetwork(netlink: NetlinkSocket): Network {
  const links = new Map(listLinks(netlink).map((link) => [link.name, link]));
  return { links, addresses: listAddresses(netlink) };
}

/** The interface that carries a virtual router's addresses: its own, or the one with the virtual MAC address. */
export function deviceOf(config: VirtualRouterConfig): string {
  return config.virtualMac?.interface ?? config.interface;
}

/**
 * What the network offers to a virtual router.
 *
 * @param moves whether an address is one that moves, so that nothing can be sent from it.
 */
export function linkStateOf(
  config: VirtualRouterConfig,
  network: Network,
  moves: (address: IpAddress) => boolean,
): LinkState {
  const base = network.links.get(config.interface);
  const device = network.links.get(deviceOf(config));
  if (base === undefined || device === undefined) return { type: "missing" };
  if (!base.up) return { type: "down" };
  return { type: "up", source: sourceOf(config, base.index, network, moves) };
}

function sourceOf(
  config: VirtualRouterConfig,
  index: number,
  network: Network,
  moves: (address: IpAddress) => boolean,
): IpAddress | undefined {
  const { sourceAddress, family } = config;
  const usable = network.addresses.filter((entry) => entry.family === family && entry.usable);
  if (sourceAddress !== undefined)
    return usable.find((entry) => entry.address === sourceAddress)?.address;
  const own = usable.filter((entry) => entry.index === index);
  const fixed = own.filter((entry) => !moves(entry.address));
  // RFC 9568 section 5.1.2.1: IPv6 sends from a link-local address.
  if (family === "ipv6") return fixed.find((entry) => isLinkLocal(entry.address))?.address;
  return fixed[0]?.address;
}
