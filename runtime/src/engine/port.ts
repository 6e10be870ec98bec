/** One interface as the virtual routers on it use it: its state, its VRRP socket, its addresses. */
import type { InterfaceAddress } from "../linux/address.ts";
import { putAddress, removeAddress } from "../linux/address.ts";
import type { Link } from "../linux/link.ts";
import type { NetlinkSocket } from "../linux/netlink.ts";
import type { PacketSocket } from "../linux/packet-socket.ts";
import type { VrrpSocket } from "../linux/vrrp-socket.ts";
import { openVrrpSocket } from "../linux/vrrp-socket.ts";
import type { Ipv4Address } from "../packet/address.ts";
import { emitGratuitousArp } from "../packet/arp.ts";
import type { LinkState, VirtualAddress } from "../vrrp/types.ts";
import { sourceAddress } from "./addresses.ts";

const ETHERNET_STATION_OCTETS = 6;

export interface PortOptions {
  readonly name: string;
  readonly netlink: NetlinkSocket;
  readonly packets: PacketSocket;
  /** Configured here as virtual addresses. */
  readonly virtual: ReadonlySet<string>;
  readonly onPacket: (packet: Uint8Array) => void;
  readonly onError: (message: string) => void;
}

export class Port {
  readonly name: string;
  /** Virtual addresses that this process put on the interface. */
  readonly held = new Set<Ipv4Address>();
  /** Virtual addresses that were on the interface before: not ours to touch. */
  readonly foreign = new Set<Ipv4Address>();
  state: LinkState = { type: "missing" };
  readonly #options: PortOptions;
  #link: Link | undefined;
  #socket: VrrpSocket | undefined;

  constructor(options: PortOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Takes in what the kernel says now. @returns the addresses that were held and are gone. */
  refresh(links: readonly Link[], addresses: readonly InterfaceAddress[]): readonly Ipv4Address[] {
    const link = links.find((entry) => entry.name === this.name);
    const present =
      link === undefined ? [] : addresses.filter((entry) => entry.index === link.index);
    const lost = [...this.held].filter(
      (address) => !present.some((entry) => entry.address === address),
    );
    for (const address of lost) this.held.delete(address);
    for (const address of this.foreign)
      if (!present.some((entry) => entry.address === address)) this.foreign.delete(address);
    const source = sourceAddress(present, this.#options.virtual, this.held);
    const before = this.state;
    this.state =
      link === undefined
        ? { type: "missing" }
        : link.up
          ? { type: "up", source }
          : { type: "down" };
    const moved =
      link?.index !== this.#link?.index ||
      (before.type === "up" ? before.source : undefined) !== source;
    this.#link = link;
    if (moved || (this.#socket === undefined && link !== undefined)) this.#reopen(source);
    return lost;
  }

  /** @throws Error with the kernel's reason. */
  send(message: Uint8Array): void {
    if (this.#socket === undefined) throw new Error(`${this.name} has no VRRP socket`);
    this.#socket.send(message);
  }

  /** Adds or renews one address. @returns undefined, or the reason why the kernel refused. */
  put(entry: VirtualAddress, leaseSeconds: number | undefined): string | undefined {
    if (this.foreign.has(entry.address)) return undefined;
    if (this.#link === undefined) return `${this.name} does not exist`;
    const errno = putAddress(
      this.#options.netlink,
      this.#link.index,
      entry.address,
      entry.prefixLength,
      leaseSeconds,
    );
    if (errno !== 0) return `errno ${errno}`;
    this.held.add(entry.address);
    return undefined;
  }

  /** Takes one address away, if it is ours. */
  remove(entry: VirtualAddress): void {
    if (!this.held.delete(entry.address) || this.#link === undefined) return;
    removeAddress(this.#options.netlink, this.#link.index, entry.address, entry.prefixLength);
  }

  /** Sends one gratuitous ARP. @returns whether the interface can carry one. */
  announce(address: Ipv4Address): boolean {
    if (this.#link === undefined || this.#link.station.length !== ETHERNET_STATION_OCTETS)
      return false;
    this.#options.packets.send(this.#link.index, emitGratuitousArp(this.#link.station, address));
    return true;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #reopen(source: Ipv4Address | undefined): void {
    this.close();
    if (this.#link === undefined || source === undefined) return;
    const { onPacket, onError } = this.#options;
    try {
      this.#socket = openVrrpSocket({
        interface: this.name,
        index: this.#link.index,
        source,
        onPacket,
        onError: (reason) => onError(`VRRP socket on ${this.name}: ${reason}`),
      });
    } catch (error) {
      // Who cannot advertise must not be master; the next look at the interface tries again.
      this.state = { type: "up", source: undefined };
      onError(
        `no VRRP socket on ${this.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
