/**
 * The interfaces with a virtual MAC address: macvlans above the virtual routers' interfaces, and what has to be set so
 * that the kernel answers for a virtual address with the virtual MAC address alone (Documentation/networking/ip-sysctl).
 */
import { describeErrno } from "../linux/libc.ts";
import { addMacvlan, removeLink, setLinkUp } from "../linux/macvlan.ts";
import type { NetlinkSocket } from "../linux/netlink.ts";
import { readSysctl, writeSysctl } from "../linux/sysctl.ts";
import type { AddressFamily } from "../packet/address.ts";
import type { VirtualMac, VirtualRouterConfig } from "../vrrp/config.ts";
import type { Network } from "./network.ts";

interface Wanted {
  readonly base: string;
  readonly mac: VirtualMac;
  readonly family: AddressFamily;
}

type Setting = readonly [path: readonly string[], value: string];

export class VirtualMacs {
  readonly #netlink: NetlinkSocket;
  readonly #log: (level: "warn" | "error", message: string) => void;
  readonly #wanted: readonly Wanted[];
  /** Names of interfaces that this run made, or took over from an earlier one. */
  readonly #own = new Set<string>();
  readonly #said = new Set<string>();
  /** What was set before, to be put back at the end. */
  readonly #before = new Map<string, Setting>();

  constructor(
    configs: readonly VirtualRouterConfig[],
    netlink: NetlinkSocket,
    log: (level: "warn" | "error", message: string) => void,
  ) {
    this.#netlink = netlink;
    this.#log = log;
    this.#wanted = configs.flatMap(({ interface: base, virtualMac: mac, family }) =>
      mac === undefined ? [] : [{ base, mac, family }],
    );
  }

  /** Whether the interface of that name is one of ours, and not somebody else's with the same name. */
  owns(name: string): boolean {
    return this.#own.has(name);
  }

  /** Makes what is missing and can be made. @returns whether anything changed. */
  ensure(network: Network): boolean {
    let changed = false;
    for (const wanted of this.#wanted) {
      const { base, mac } = wanted;
      const lower = network.links.get(base);
      const present = network.links.get(mac.interface);
      if (lower === undefined) continue;
      if (present === undefined) {
        changed = this.#make(wanted, lower.index) || changed;
        continue;
      }
      // Also one that an earlier run left.
      const ours =
        present.lower === lower.index &&
        Buffer.compare(present.station, Uint8Array.from(mac.station)) === 0;
      if (ours) {
        this.#own.add(mac.interface);
        if (!present.up && lower.up)
          changed = setLinkUp(this.#netlink, present.index) === 0 || changed;
      } else {
        this.#own.delete(mac.interface);
        this.#sayOnce(
          `there is an interface ${mac.interface} that is not ours; give the virtual MAC address's interface another name`,
        );
      }
    }
    return changed;
  }

  /** Takes the interfaces away and puts the settings back. */
  close(network: Network): void {
    for (const name of this.#own) {
      const index = network.links.get(name)?.index;
      if (index !== undefined) removeLink(this.#netlink, index);
    }
    for (const [path, value] of this.#before.values()) writeSysctl(path, value);
  }

  #make({ base, mac, family }: Wanted, lower: number): boolean {
    const name = mac.interface;
    const station = Uint8Array.from(mac.station);
    // Nothing may be configured on it by itself, so this is settled before it is up.
    const byItself = ["net", "ipv6", "conf", "default", "addr_gen_mode"];
    this.#set(byItself, "1");
    const errno = addMacvlan(this.#netlink, { name, lower, station, mode: "private" });
    this.#restore(byItself);
    if (errno !== 0) {
      this.#sayOnce(
        `the interface ${name} above ${base} could not be made: ${describeErrno(errno)}`,
      );
      return false;
    }
    this.#own.add(name);
    const ipv4 = (device: string, setting: string): string[] => [
      "net",
      "ipv4",
      "conf",
      device,
      setting,
    ];
    const ipv6 = (device: string, setting: string): string[] => [
      "net",
      "ipv6",
      "conf",
      device,
      setting,
    ];
    // The macvlan goes with its settings; the others are put back.
    writeSysctl(ipv4(name, "arp_ignore"), "1");
    writeSysctl(ipv4(name, "accept_local"), "1");
    writeSysctl(ipv4(name, "rp_filter"), "0");
    writeSysctl(ipv4(name, "promote_secondaries"), "1");
    writeSysctl(ipv6(name, "autoconf"), "0");
    writeSysctl(ipv6(name, "accept_ra"), "0");
    if (family === "ipv6") writeSysctl(ipv6(name, "disable_ipv6"), "0");
    this.#set(ipv4(base, "arp_ignore"), "1");
    this.#set(ipv4(base, "arp_filter"), "1");
    // Else the host's own questions would show its neighbours a virtual address at the physical MAC address.
    this.#set(ipv4(base, "arp_announce"), "2");
    this.#relaxReversePathFilter(base);
    return true;
  }

  /** The greater of `all` and the interface's own counts, so `all` has to go for one interface to be free of it. */
  #relaxReversePathFilter(base: string): void {
    const all = ["net", "ipv4", "conf", "all", "rp_filter"];
    const strictness = readSysctl(all);
    if (strictness === undefined || strictness.trim() === "0") return;
    for (const device of [base, "default"]) {
      const path = ["net", "ipv4", "conf", device, "rp_filter"];
      if (Number(readSysctl(path) ?? 0) < Number(strictness)) this.#set(path, strictness.trim());
    }
    this.#set(all, "0");
  }

  #set(path: readonly string[], value: string): void {
    const before = readSysctl(path);
    if (before === undefined || before.trim() === value) return;
    const key = path.join("/");
    if (!this.#before.has(key)) this.#before.set(key, [path, before.trim()]);
    writeSysctl(path, value);
  }

  #sayOnce(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#log("error", message);
  }

  #restore(path: readonly string[]): void {
    const key = path.join("/");
    const setting = this.#before.get(key);
    if (setting === undefined) return;
    writeSysctl(...setting);
    this.#before.delete(key);
  }
}
