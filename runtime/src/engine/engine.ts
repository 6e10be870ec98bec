/**
 * The engine: gives events to the virtual routers and performs their effects. One timer is armed, for the earliest
 * deadline of all. Effects are performed in order and at once; what fails comes back as an event.
 */
import { addedAddress, listAddresses, removeAddress } from "../linux/address.ts";
import { listLinks } from "../linux/link.ts";
import type { NetlinkMessage, NetlinkSocket } from "../linux/netlink.ts";
import type { PacketSocket } from "../linux/packet-socket.ts";
import type { Timer } from "../linux/timer.ts";
import { createTimer } from "../linux/timer.ts";
import { emitAdvertisement } from "../packet/vrrp.ts";
import { effectivePriority } from "../vrrp/priority.ts";
import type { DropReason, Member, RouterSet } from "../vrrp/router-set.ts";
import { createRouterSet, dispatch, nextDeadlineOf, receive } from "../vrrp/router-set.ts";
import type {
  Effect,
  TrackerState,
  TransitionReason,
  VirtualRouterConfig,
  VirtualRouterEvent,
} from "../vrrp/types.ts";
import { configuredAddresses, readRecord, removeRecord, writeRecord } from "./addresses.ts";
import { Port } from "./port.ts";
import type { EngineToDaemon, VirtualRouterStatus } from "./protocol.ts";

/** Lines about dropped packets: one of each kind in this time. Counters are exact. */
const DROP_LOG_MS = 1000;
/** Changes of the network come in bursts; the state is asked for once for all of them. */
const RESYNC_MS = 5;
/** Also without a change being reported: the report may have been lost. */
const RESYNC_IDLE_MS = 10_000;

export interface EngineOptions {
  readonly netlink: NetlinkSocket;
  readonly packets: PacketSocket;
  /** Where the record of owned addresses is kept. */
  readonly record: string;
  readonly send: (message: EngineToDaemon) => void;
}

interface Counted {
  advertisementsSent: number;
  priorityZeroSent: number;
  becameMaster: number;
  gratuitousArpSent: number;
  enteredAtMs: number;
  reason: TransitionReason;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #ports = new Map<string, Port>();
  readonly #counted = new Map<Member, Counted>();
  readonly #dropLoggedAtMs = new Map<string, number>();
  #set: RouterSet = createRouterSet([]);
  readonly #timer: Timer = createTimer(() => this.#tick());
  #resyncSoon: NodeJS.Timeout | undefined;
  #resyncLater: NodeJS.Timeout | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Takes up the virtual routers of this host. Called once. */
  configure(configs: readonly VirtualRouterConfig[]): void {
    const { netlink, record } = this.#options;
    const configured = configuredAddresses(configs);
    const virtual = new Set<string>(configured.map((entry) => entry.address));
    this.#set = createRouterSet(configs);
    for (const member of this.#set.members.values()) {
      const { interface: name } = member.router.config;
      this.#counted.set(member, {
        advertisementsSent: 0,
        priorityZeroSent: 0,
        becameMaster: 0,
        gratuitousArpSent: 0,
        enteredAtMs: performance.now(),
        reason: "start",
      });
      if (!this.#ports.has(name)) {
        this.#ports.set(
          name,
          new Port({
            name,
            virtual,
            ...this.#options,
            onPacket: (packet) => this.#receive(name, packet),
            onError: (message) => this.#log("error", message),
          }),
        );
      }
    }
    this.#removeLeftovers();
    const links = listLinks(netlink);
    const present = listAddresses(netlink);
    for (const entry of configured) {
      const index = links.find((link) => link.name === entry.interface)?.index;
      if (!present.some((address) => address.index === index && address.address === entry.address))
        continue;
      this.#port(entry.interface).foreign.add(entry.address);
      this.#log(
        "warn",
        `${entry.address} is on ${entry.interface} already; it was there before karuntime and is left alone`,
      );
    }
    writeRecord(
      record,
      configured.filter((entry) => !this.#port(entry.interface).foreign.has(entry.address)),
    );
    this.#resync();
    for (const member of this.#set.members.values()) this.#give(member, { type: "start" });
    this.#arm();
  }

  setTracker(name: string, state: TrackerState): void {
    for (const member of this.#set.members.values()) {
      if (member.router.config.trackers.some((tracker) => tracker.name === name))
        this.#give(member, { type: "tracker", name, state });
    }
    this.#arm();
  }

  /** The kernel reports a change. What we did ourselves is no news. */
  networkChanged(message: NetlinkMessage): void {
    const added = addedAddress(message);
    const ours = [...this.#ports.values()].some(
      (port) => added !== undefined && port.held.has(added),
    );
    if (ours || this.#resyncSoon !== undefined) return;
    this.#resyncSoon = setTimeout(() => this.#resync(), RESYNC_MS);
  }

  /** Resigns everywhere: nothing of ours is left on the interfaces. */
  shutdown(): void {
    this.#timer.close();
    clearTimeout(this.#resyncSoon);
    clearTimeout(this.#resyncLater);
    for (const member of this.#set.members.values()) this.#give(member, { type: "shutdown" });
    for (const port of this.#ports.values()) port.close();
    removeRecord(this.#options.record);
  }

  status(): {
    readonly virtualRouters: readonly VirtualRouterStatus[];
    readonly drops: Readonly<Record<string, number>>;
  } {
    return {
      virtualRouters: [...this.#set.members.values()].map((member) => this.#describe(member)),
      drops: Object.fromEntries(this.#set.drops),
    };
  }

  #receive(interfaceName: string, packet: Uint8Array): void {
    const result = receive(this.#set, interfaceName, packet, performance.now());
    if (result.ok) {
      this.#perform(result.member, result.effects);
      this.#arm();
    } else this.#logDrop(interfaceName, result.reason, result.source, result.member);
  }

  #give(member: Member, event: VirtualRouterEvent): void {
    this.#perform(member, dispatch(member, event, performance.now()));
  }

  #perform(member: Member, effects: readonly Effect[]): void {
    const failures: VirtualRouterEvent[] = [];
    for (const effect of effects) {
      const failure = this.#performOne(member, effect);
      if (failure !== undefined) failures.push(failure);
    }
    const [first] = failures;
    if (first !== undefined) this.#give(member, first);
  }

  #performOne(member: Member, effect: Effect): VirtualRouterEvent | undefined {
    const { config } = member.router;
    const port = this.#port(config.interface);
    const counted = this.#countedOf(member);
    switch (effect.type) {
      case "send-advertisement":
        try {
          port.send(emitAdvertisement(effect.advertisement));
          counted.advertisementsSent++;
          if (effect.advertisement.priority === 0) counted.priorityZeroSent++;
        } catch (error) {
          this.#log(
            "error",
            `${config.name}: an advertisement could not be sent: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
        return undefined;
      case "add-addresses":
      case "renew-addresses":
        for (const entry of config.addresses) {
          const reason = port.put(entry, effect.leaseSeconds);
          if (reason !== undefined)
            return { type: "address-refused", address: entry.address, reason };
        }
        return undefined;
      case "remove-addresses":
        for (const entry of config.addresses.toReversed()) port.remove(entry);
        return undefined;
      case "announce":
        for (let burst = 0; burst < effect.count; burst++) {
          for (const entry of config.addresses)
            if (port.held.has(entry.address) && this.#announce(port, entry.address))
              counted.gratuitousArpSent++;
        }
        return undefined;
      case "transition": {
        const { from, to, reason, priority, faults } = effect;
        if (to === "master") counted.becameMaster++;
        counted.enteredAtMs = performance.now();
        counted.reason = reason;
        this.#options.send({
          type: "transition",
          virtualRouter: config.name,
          from,
          to,
          reason,
          priority,
          faults,
        });
        return undefined;
      }
      case "priority-changed":
        this.#log("info", `${config.name}: priority changed`, {
          virtualRouter: config.name,
          from: effect.from,
          to: effect.to,
        });
        return undefined;
      case "notice":
        this.#log("warn", `${config.name}: ${effect.notice}`, { virtualRouter: config.name });
        return undefined;
    }
  }

  #announce(port: Port, address: Parameters<Port["announce"]>[0]): boolean {
    try {
      return port.announce(address);
    } catch (error) {
      this.#log(
        "error",
        `gratuitous ARP for ${address} on ${port.name}: ${error instanceof Error ? error.message : String(error)}`,
      );
      return false;
    }
  }

  /** Asks the kernel for interfaces and addresses and tells the virtual routers what is new. */
  #resync(): void {
    clearTimeout(this.#resyncSoon);
    clearTimeout(this.#resyncLater);
    this.#resyncSoon = undefined;
    this.#resyncLater = setTimeout(() => this.#resync(), RESYNC_IDLE_MS);
    const links = listLinks(this.#options.netlink);
    const addresses = listAddresses(this.#options.netlink);
    for (const port of this.#ports.values()) {
      const lost = port.refresh(links, addresses);
      for (const member of this.#set.members.values()) {
        const { config, link } = member.router;
        if (config.interface !== port.name) continue;
        if (!sameLink(link, port.state)) this.#give(member, { type: "link", link: port.state });
        const gone = lost.find((address) =>
          config.addresses.some((entry) => entry.address === address),
        );
        if (gone !== undefined) this.#give(member, { type: "address-lost", address: gone });
      }
    }
    this.#arm();
  }

  #removeLeftovers(): void {
    const { netlink, record } = this.#options;
    const recorded = readRecord(record);
    if (recorded.length === 0) return;
    const links = listLinks(netlink);
    const present = listAddresses(netlink);
    for (const entry of recorded) {
      const index = links.find((link) => link.name === entry.interface)?.index;
      if (
        index === undefined ||
        !present.some((address) => address.index === index && address.address === entry.address)
      )
        continue;
      const errno = removeAddress(netlink, index, entry.address, entry.prefixLength);
      this.#log(
        "warn",
        errno === 0
          ? `${entry.address} was left on ${entry.interface} by an earlier run and is removed`
          : `${entry.address} was left on ${entry.interface} by an earlier run and could not be removed: errno ${errno}`,
      );
    }
  }

  #arm(): void {
    const deadline = nextDeadlineOf(this.#set);
    if (deadline === undefined) this.#timer.disarm();
    else this.#timer.arm(deadline - performance.now());
  }

  #tick(): void {
    for (const member of this.#set.members.values()) this.#give(member, { type: "tick" });
    this.#arm();
  }

  #logDrop(
    interfaceName: string,
    reason: DropReason,
    source: string | undefined,
    member: Member | undefined,
  ): void {
    const now = performance.now();
    if (now - (this.#dropLoggedAtMs.get(reason) ?? Number.NEGATIVE_INFINITY) < DROP_LOG_MS) return;
    this.#dropLoggedAtMs.set(reason, now);
    this.#log("warn", `dropped a packet on ${interfaceName}: ${reason}`, {
      reason,
      source: source ?? "unknown",
      ...(member === undefined ? {} : { virtualRouter: member.router.config.name }),
    });
  }

  #describe(member: Member): VirtualRouterStatus {
    const { config, protocol, trackers } = member.router;
    const counted = this.#countedOf(member);
    const port = this.#port(config.interface);
    const now = performance.now();
    const { effective, base, parts } = effectivePriority(config, trackers);
    const master = protocol.type === "backup" ? protocol.master : undefined;
    return {
      name: config.name,
      interface: config.interface,
      id: config.id,
      state: protocol.type,
      stateAgeMs: now - counted.enteredAtMs,
      reason: counted.reason,
      faults: protocol.type === "fault" ? protocol.reasons : [],
      priority: { effective, base, parts },
      master:
        master === undefined
          ? undefined
          : {
              address: master.address,
              priority: master.priority,
              heardAgoMs: now - master.heardAtMs,
            },
      addresses: config.addresses.map((entry) => ({
        ...entry,
        held: port.held.has(entry.address),
        foreign: port.foreign.has(entry.address),
      })),
      counters: {
        advertisementsSent: counted.advertisementsSent,
        advertisementsReceived: member.received,
        priorityZeroSent: counted.priorityZeroSent,
        priorityZeroReceived: member.priorityZeroReceived,
        becameMaster: counted.becameMaster,
        gratuitousArpSent: counted.gratuitousArpSent,
      },
      drops: Object.fromEntries(member.drops),
    };
  }

  #port(name: string): Port {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`no port for ${name}`);
    return port;
  }

  #countedOf(member: Member): Counted {
    const counted = this.#counted.get(member);
    if (counted === undefined) throw new Error(`no counters for ${member.router.config.name}`);
    return counted;
  }

  #log(
    level: "info" | "warn" | "error",
    message: string,
    fields: Readonly<Record<string, string | number>> = {},
  ): void {
    this.#options.send({ type: "log", level, message, fields });
  }
}

function sameLink(a: Port["state"], b: Port["state"]): boolean {
  return a.type === b.type && (a.type !== "up" || b.type !== "up" || a.source === b.source);
}
