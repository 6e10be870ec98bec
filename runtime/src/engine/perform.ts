/** What the virtual routers want done, done: one switch over Effect, each case a call or two into linux/. */
import type { VipFilter } from "../linux/nftables.ts";
import { readSysctl } from "../linux/sysctl.ts";
import type { Ipv4Address, Ipv6Address } from "../packet/address.ts";
import { familyOf } from "../packet/address.ts";
import { emitGratuitousArp } from "../packet/arp.ts";
import { emitNeighbourAdvertisement } from "../packet/ndisc.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import type { Digests } from "../vrrp/authentication.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";
import { OWNER_PRIORITY } from "../vrrp/priority.ts";
import type { Member } from "../vrrp/router-set.ts";
import { packetsFor } from "../vrrp/transmission.ts";
import type { Effect, VirtualRouterEvent } from "../vrrp/types.ts";
import type { Announcer } from "./announcer.ts";
import type { Holdings, PlacedAddress } from "./holdings.ts";
import type { EngineLog } from "./log.ts";
import type { Network } from "./network.ts";
import { deviceOf } from "./network.ts";
import type { Port } from "./port.ts";
import type { EngineToDaemon } from "./protocol.ts";
import type { Counted } from "./report.ts";
import { createCounted, describeNotice } from "./report.ts";

const STATION_OCTETS = 6;

export interface PerformerOptions {
  readonly holdings: Holdings;
  readonly announcer: Announcer;
  /** Absent where every virtual router accepts what is sent to its addresses. */
  readonly filter: VipFilter | undefined;
  readonly digests: Digests;
  readonly log: EngineLog;
  readonly network: () => Network;
  readonly portOf: (config: VirtualRouterConfig) => Port | undefined;
  readonly send: (message: EngineToDaemon) => void;
}

export class Performer {
  readonly #options: PerformerOptions;
  readonly #counted = new Map<Member, Counted>();

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  countedOf(member: Member): Counted {
    const known = this.#counted.get(member);
    if (known !== undefined) return known;
    const counted = createCounted(performance.now());
    this.#counted.set(member, counted);
    return counted;
  }

  /** @returns an event where it failed in a way that the virtual router has to know of. */
  perform(member: Member, effect: Effect): VirtualRouterEvent | undefined {
    const { config } = member.router;
    const counted = this.countedOf(member);
    switch (effect.type) {
      case "send-advertisement":
        this.#advertise(member, effect.advertisement);
        return undefined;
      case "add-addresses":
        return this.#takeOver(config, effect.leaseSeconds);
      case "renew-addresses":
        return this.#putAddresses(config, effect.leaseSeconds);
      case "remove-addresses":
        this.#giveUp(config);
        this.#options.announcer.cancel(member);
        return undefined;
      case "announce":
        this.#announce(member, effect.count);
        return undefined;
      case "transition": {
        if (effect.to === "master") counted.becameMaster++;
        counted.enteredAtMs = performance.now();
        counted.reason = effect.reason;
        this.#options.send({ ...effect, virtualRouter: config.name });
        return undefined;
      }
      case "priority-changed": {
        const { from, to } = effect;
        this.#options.send({ type: "priority", virtualRouter: config.name, from, to });
        return undefined;
      }
      case "contention": {
        const { phase, rival, priority: rivalPriority } = effect;
        if (phase === "began") counted.contentions++;
        const virtualRouter = config.name;
        // Anybody can be a rival who comes and goes.
        if (!this.#options.log.isDue(`contention ${phase} ${virtualRouter}`)) return undefined;
        this.#options.send({ type: "contention", virtualRouter, phase, rival, rivalPriority });
        return undefined;
      }
      case "notice": {
        const { notice } = effect;
        if (notice.type === "address-lost") counted.addressesRestored++;
        const message = `${config.name}: ${describeNotice(notice)}`;
        const kind = `${config.name} ${notice.type}`;
        this.#options.log.saySometimes("warn", kind, message, { virtualRouter: config.name });
        return undefined;
      }
    }
  }

  #advertise(member: Member, advertisement: Advertisement): void {
    const { config, link } = member.router;
    const counted = this.countedOf(member);
    const source = link.type === "up" ? link.source : undefined;
    try {
      if (source === undefined) throw new Error(`${config.interface} has no address to send from`);
      const { memory } = member;
      for (const { bytes, destination } of packetsFor(
        config,
        advertisement,
        source,
        memory,
        this.#options.digests,
        Date.now(),
      ))
        this.#options.portOf(config)?.send(config, bytes, destination);
      counted.advertisementsSent++;
      if (advertisement.priority === 0) counted.priorityZeroSent++;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `${config.name}: an advertisement could not be sent: ${reason}`;
      this.#options.log.saySometimes("error", `send ${config.name}`, message);
    }
  }

  #takeOver(
    config: VirtualRouterConfig,
    leaseSeconds: number | undefined,
  ): VirtualRouterEvent | undefined {
    // First: no packet may slip in between.
    if (isFiltered(config))
      this.#options.filter?.add(placedAddresses(config).map(({ address }) => address));
    const failure = this.#putAddresses(config, leaseSeconds);
    if (failure !== undefined) return failure;
    for (const route of config.routes) this.#options.holdings.putRoute(route);
    for (const rule of config.rules) this.#options.holdings.putRule(rule);
    return undefined;
  }

  #putAddresses(
    config: VirtualRouterConfig,
    leaseSeconds: number | undefined,
  ): VirtualRouterEvent | undefined {
    for (const entry of placedAddresses(config)) {
      const reason = this.#options.holdings.put(entry, leaseSeconds);
      if (reason !== undefined) return { type: "address-refused", address: entry.address, reason };
    }
    return undefined;
  }

  /** In the reverse order. */
  #giveUp(config: VirtualRouterConfig): void {
    for (const rule of config.rules.toReversed()) this.#options.holdings.removeRule(rule);
    for (const route of config.routes.toReversed()) this.#options.holdings.removeRoute(route);
    for (const entry of placedAddresses(config).toReversed()) this.#options.holdings.remove(entry);
    if (isFiltered(config))
      this.#options.filter?.remove(placedAddresses(config).map(({ address }) => address));
  }

  #announce(member: Member, count: number): void {
    const { config } = member.router;
    const { announcer, holdings, network } = this.#options;
    const counted = this.countedOf(member);
    const announcements = placedAddresses(config).flatMap((entry) => {
      const { device, address } = entry;
      const link = network().links.get(device);
      if (!holdings.holds(entry) || link?.station.length !== STATION_OCTETS) return [];
      const frame =
        familyOf(address) === "ipv4"
          ? emitGratuitousArp(link.station, address as Ipv4Address)
          : emitNeighbourAdvertisement(link.station, address as Ipv6Address, forwardsIpv6(device));
      const onSent = (): void => void counted.announcementsSent++;
      return [{ device, index: link.index, frame, owner: member, onSent }];
    });
    for (let burst = 0; burst < count; burst++)
      for (const announcement of announcements)
        announcer.announce(announcement, config.announcement.gapMs, performance.now());
  }
}

/** Every address of a virtual router with the interface that carries it. */
export function placedAddresses(config: VirtualRouterConfig): PlacedAddress[] {
  return [...config.addresses, ...config.excludedAddresses].map((entry) => ({
    ...entry,
    device: entry.device ?? deviceOf(config),
  }));
}

/** RFC 9568 section 6.1, Accept_Mode: only the owner of the addresses always accepts what is sent to them. */
export function isFiltered({ accept, priority }: VirtualRouterConfig): boolean {
  return !accept && priority !== OWNER_PRIORITY;
}

function forwardsIpv6(device: string): boolean {
  return readSysctl(["net", "ipv6", "conf", device, "forwarding"])?.trim() === "1";
}
