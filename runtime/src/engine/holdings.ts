/**
 * The addresses, routes and rules that this process gives and takes. An address that was there before karuntime is
 * foreign and is left alone.
 */
import { putAddress, removeAddress } from "../linux/address.ts";
import { describeErrno } from "../linux/libc.ts";
import type { NetlinkSocket } from "../linux/netlink.ts";
import { addRoute, removeRoute } from "../linux/route.ts";
import { addRule, removeRule } from "../linux/rule.ts";
import type { IpAddress } from "../packet/address.ts";
import type { VirtualAddress, VirtualRoute, VirtualRule } from "../vrrp/config.ts";
import type { Network } from "./network.ts";
import { readNetwork } from "./network.ts";
import type { Owned } from "./record.ts";
import { readRecord, removeRecord, writeRecord } from "./record.ts";

/** An address with the interface that it belongs on. */
export type PlacedAddress = VirtualAddress & { readonly device: string };

export interface HoldingsOptions {
  readonly netlink: NetlinkSocket;
  /** Where the record of what is ours is kept. */
  readonly record: string;
  readonly log: (level: "warn" | "error", message: string) => void;
}

export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #held = new Map<string, PlacedAddress>();
  readonly #heldAddresses = new Set<IpAddress>();
  readonly #foreign = new Set<string>();
  /** Every address that may move, wherever it is now. */
  readonly #moving = new Set<IpAddress>();
  #network: Network = { links: new Map(), addresses: [] };

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  /** Called once, before anything is put: removes what an earlier run left, finds what is not ours. */
  begin(owned: Owned): void {
    const { netlink, record, log } = this.#options;
    this.#network = readNetwork(netlink);
    this.#removeLeftovers(readRecord(record));
    this.#network = readNetwork(netlink);
    for (const entry of owned.addresses) {
      this.#moving.add(entry.address);
      if (!this.#isPresent(entry)) continue;
      this.#foreign.add(key(entry));
      log(
        "warn",
        `${entry.address} is on ${entry.device} already; it was there before karuntime and is left alone`,
      );
    }
    const addresses = owned.addresses.filter((entry) => !this.#foreign.has(key(entry)));
    writeRecord(record, { ...owned, addresses });
  }

  /** The last of all: the record goes, nothing is ours any more. */
  end(): void {
    removeRecord(this.#options.record);
  }

  /** Takes in what the kernel says now. @returns the addresses that were held and are gone. */
  refresh(network: Network): readonly PlacedAddress[] {
    this.#network = network;
    const lost = [...this.#held.values()].filter((entry) => !this.#isPresent(entry));
    for (const entry of lost) this.#forget(entry);
    const present = new Set(
      network.addresses.map(({ index, address }) => `${this.#nameOf(index)} ${address}`),
    );
    for (const place of this.#foreign) if (!present.has(place)) this.#foreign.delete(place);
    return lost;
  }

  /** Whether nothing may be sent from an address: it moves, and is not on this host for good. */
  moves(address: IpAddress): boolean {
    if (!this.#moving.has(address)) return false;
    // An address owner may have no other address than the one that it owns.
    return ![...this.#foreign].some((place) => place.endsWith(` ${address}`));
  }

  holds(entry: PlacedAddress): boolean {
    return this.#held.has(key(entry));
  }

  /** On whichever interface. Asked for every change that the kernel reports, so it must not take long. */
  holdsAnywhere(address: IpAddress): boolean {
    return this.#heldAddresses.has(address);
  }

  isForeign(entry: PlacedAddress): boolean {
    return this.#foreign.has(key(entry));
  }

  /** Adds or renews one address. @returns undefined, or the reason why the kernel refused. */
  put(entry: PlacedAddress, leaseSeconds: number | undefined): string | undefined {
    const place = key(entry);
    if (this.#foreign.has(place)) return undefined;
    const index = this.#network.links.get(entry.device)?.index;
    if (index === undefined) return `${entry.device} does not exist`;
    const errno = putAddress(this.#options.netlink, index, entry, leaseSeconds);
    if (errno !== 0) return describeErrno(errno);
    this.#held.set(place, entry);
    this.#heldAddresses.add(entry.address);
    return undefined;
  }

  /** Takes one address away, if it is ours. */
  remove(entry: PlacedAddress): void {
    const index = this.#network.links.get(entry.device)?.index;
    if (!this.#forget(entry) || index === undefined) return;
    removeAddress(this.#options.netlink, index, entry);
  }

  putRoute(route: VirtualRoute): void {
    const errno = addRoute(this.#options.netlink, this.#resolved(route));
    if (errno !== 0) this.#refused("route", route, errno);
  }

  removeRoute(route: VirtualRoute): void {
    removeRoute(this.#options.netlink, this.#resolved(route));
  }

  putRule(rule: VirtualRule): void {
    const errno = addRule(this.#options.netlink, rule);
    if (errno !== 0) this.#refused("rule", rule, errno);
  }

  removeRule(rule: VirtualRule): void {
    removeRule(this.#options.netlink, rule);
  }

  /** @returns whether it was held. */
  #forget(entry: PlacedAddress): boolean {
    const held = this.#held.delete(key(entry));
    // The same address may be held on another interface too.
    if (held && ![...this.#held.values()].some(({ address }) => address === entry.address))
      this.#heldAddresses.delete(entry.address);
    return held;
  }

  #refused(kind: string, what: VirtualRoute | VirtualRule, errno: number): void {
    const { log } = this.#options;
    log("error", `the kernel refused a ${kind}: ${describeErrno(errno)}: ${JSON.stringify(what)}`);
  }

  #resolved({ device, ...route }: VirtualRoute) {
    const index = device === undefined ? undefined : this.#network.links.get(device)?.index;
    return index === undefined ? route : { ...route, index };
  }

  #removeLeftovers(recorded: Owned): void {
    const { netlink, log } = this.#options;
    for (const rule of recorded.rules) this.removeRule(rule);
    for (const route of recorded.routes) this.removeRoute(route);
    for (const entry of recorded.addresses) {
      const index = this.#network.links.get(entry.device)?.index;
      if (index === undefined || !this.#isPresent(entry)) continue;
      const errno = removeAddress(netlink, index, entry);
      log(
        "warn",
        errno === 0
          ? `${entry.address} was left on ${entry.device} by an earlier run and is removed`
          : `${entry.address} was left on ${entry.device} by an earlier run and could not be removed: ${describeErrno(errno)}`,
      );
    }
  }

  #isPresent(entry: PlacedAddress): boolean {
    const index = this.#network.links.get(entry.device)?.index;
    return this.#network.addresses.some(
      (present) => present.index === index && present.address === entry.address,
    );
  }

  #nameOf(index: number): string | undefined {
    for (const link of this.#network.links.values()) if (link.index === index) return link.name;
    return undefined;
  }
}

function key({ device, address }: PlacedAddress): string {
  return `${device} ${address}`;
}
