/**
 * All virtual routers of this host: finds the one that a packet is for, admits it, takes the step, keeps sync groups
 * together, counts.
 */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { parseAh } from "../packet/ah.ts";
import type { IpPacket } from "../packet/ip.ts";
import { PROTOCOL_AH, PROTOCOL_VRRP } from "../packet/ip.ts";
import type { Ipv4DropReason } from "../packet/ipv4.ts";
import { parseIpv4Packet } from "../packet/ipv4.ts";
import type { PacketDropReason, ReceivedAdvertisement } from "../packet/vrrp.ts";
import { parseAdvertisement } from "../packet/vrrp.ts";
import type { Admission } from "./admission.ts";
import { admit } from "./admission.ts";
import type { Digests } from "./authentication.ts";
import { createAuthenticationMemory } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";
import { Deadlines } from "./deadlines.ts";
import type { Peer, Peers } from "./peers.ts";
import { notePeer } from "./peers.ts";
import { settle } from "./sync-group.ts";
import type { TransmissionMemory } from "./transmission.ts";
import type { AdmissionDropReason, Effect, VirtualRouter, VirtualRouterEvent } from "./types.ts";
import { createVirtualRouter, nextDeadlineMs, step } from "./virtual-router.ts";

export type DropReason = Ipv4DropReason | PacketDropReason | AdmissionDropReason;

/** What a raw socket delivers: of IPv4 the whole packet, of IPv6 what the kernel says of it. */
export type Arrival =
  | { readonly family: "ipv4"; readonly bytes: Uint8Array }
  | (Omit<IpPacket, "family"> & { readonly family: "ipv6" });

/** The clocks: monotonic for timers, wall for signatures. */
export interface Clock {
  readonly nowMs: number;
  readonly unixMs: number;
}

/** One virtual router and what was counted for it. */
export interface Member {
  router: VirtualRouter;
  readonly drops: Map<DropReason, number>;
  readonly peers: Peers;
  readonly memory: TransmissionMemory;
  received: number;
  priorityZeroReceived: number;
  /** Accepted advertisements of version 3 over IPv4, by what their checksum sums. */
  readonly checksumStyles: Map<string, number>;
}

/** Effects to be performed, in this order. */
export interface Outcome {
  readonly member: Member;
  readonly effects: readonly Effect[];
}

/** What `receive` found. `news`: somebody to tell of, because it is new or is judged otherwise than before. */
export type Received =
  | {
      readonly ok: true;
      readonly member: Member;
      readonly outcomes: readonly Outcome[];
      readonly news: Peer | undefined;
    }
  | {
      readonly ok: false;
      readonly member: Member | undefined;
      readonly reason: DropReason;
      readonly source: IpAddress | undefined;
      readonly news: Peer | undefined;
    };

export class RouterSet {
  readonly members: ReadonlyMap<string, Member>;
  /** Packets that belong to none of them, by reason. */
  readonly drops = new Map<DropReason, number>();
  readonly #byPlace = new Map<string, Member>();
  readonly #groups = new Map<string, Member[]>();
  readonly #deadlines = new Deadlines<Member>(({ router }) => nextDeadlineMs(router));
  readonly #digests: Digests;

  constructor(configs: readonly VirtualRouterConfig[], digests: Digests) {
    this.#digests = digests;
    const members = new Map<string, Member>();
    for (const config of configs) {
      const member: Member = {
        router: createVirtualRouter(config),
        drops: new Map(),
        peers: new Map(),
        memory: { authentication: createAuthenticationMemory(), identification: 0 },
        received: 0,
        priorityZeroReceived: 0,
        checksumStyles: new Map(),
      };
      members.set(config.name, member);
      this.#byPlace.set(place(config.interface, config.family, config.id), member);
      if (config.syncGroup !== undefined)
        this.#groups.set(config.syncGroup, [...(this.#groups.get(config.syncGroup) ?? []), member]);
    }
    this.members = members;
  }

  /** A packet of protocol 112 or 51 arrived on an interface. Takes any bytes. */
  receive(interfaceName: string, arrival: Arrival, clock: Clock): Received {
    const ip =
      arrival.family === "ipv4"
        ? parseIpv4Packet(arrival.bytes)
        : { ok: true as const, value: arrival };
    if (!ip.ok) return this.#drop(undefined, ip.reason, undefined);
    const packet: IpPacket = ip.value;
    const { family, source } = packet;
    const inner = withoutAh(packet);
    if (inner === undefined)
      return this.#drop(undefined, "authentication header malformed", source);
    const parsed = parseAdvertisement(inner);
    // A broken packet counts where its virtual router id points: that is where people look.
    const member = this.#byPlace.get(place(interfaceName, family, inner.payload[1] ?? 0));
    if (!parsed.ok) return this.#drop(member, parsed.reason, source);
    if (member === undefined)
      return this.#drop(undefined, "virtual router not configured here", source);
    return this.#admitted(member, packet, parsed.value, clock);
  }

  /** Gives one virtual router an event; the caller performs the effects. */
  dispatch(member: Member, event: VirtualRouterEvent, nowMs: number): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    this.#step(member, event, nowMs, outcomes);
    const { syncGroup } = member.router.config;
    const group = syncGroup === undefined ? undefined : this.#groups.get(syncGroup);
    if (group === undefined) return outcomes;
    for (;;) {
      const events = settle(group.map(({ router }) => router));
      if (events.length === 0) return outcomes;
      for (const { index, event: next } of events) {
        const other = group[index];
        if (other !== undefined) this.#step(other, next, nowMs, outcomes);
      }
    }
  }

  /** When `tick` has to be called next; undefined when none waits for time. */
  nextDeadlineMs(): number | undefined {
    return this.#deadlines.next();
  }

  /** Everything that is due now, each once. */
  tick(nowMs: number): readonly Outcome[] {
    const due: Member[] = [];
    for (let next = this.#deadlines.takeDue(nowMs); next !== undefined;) {
      due.push(next);
      next = this.#deadlines.takeDue(nowMs);
    }
    return due.flatMap((member) => this.dispatch(member, { type: "tick" }, nowMs));
  }

  #admitted(
    member: Member,
    packet: IpPacket,
    received: ReceivedAdvertisement,
    clock: Clock,
  ): Received {
    const { config, link } = member.router;
    const { advertisement } = received;
    const { source } = packet;
    // What comes from where we send from is our own.
    if (link.type === "up" && link.source === source)
      return this.#drop(member, "own advertisement", source);
    const context = {
      config,
      memory: member.memory.authentication,
      digests: this.#digests,
      unixMs: clock.unixMs,
    };
    const admission = admit(context, packet, received);
    const news = notePeer(member.peers, source, advertisement, judgement(admission), clock.nowMs);
    if (!admission.ok) return this.#drop(member, admission.reason, source, news);
    member.received++;
    if (advertisement.priority === 0) member.priorityZeroReceived++;
    if (received.checksumStyle !== undefined)
      increment(member.checksumStyles, received.checksumStyle);
    const event = { type: "advertisement", advertisement, source } as const;
    const outcomes = this.dispatch(member, event, clock.nowMs);
    return { ok: true, member, outcomes, news };
  }

  #step(member: Member, event: VirtualRouterEvent, nowMs: number, outcomes: Outcome[]): void {
    const { router, effects } = step(member.router, event, nowMs);
    member.router = router;
    this.#deadlines.update(member);
    if (effects.length > 0) outcomes.push({ member, effects });
  }

  #drop(
    member: Member | undefined,
    reason: DropReason,
    source: IpAddress | undefined,
    news?: Peer,
  ): Received {
    increment(member?.drops ?? this.drops, reason);
    return { ok: false, member, reason, source, news };
  }
}

/** The packet without its authentication header, or undefined where that is none of ours. */
function withoutAh(packet: IpPacket): IpPacket | undefined {
  if (packet.protocol !== PROTOCOL_AH) return packet;
  const header = parseAh(packet.payload);
  if (header?.nextHeader !== PROTOCOL_VRRP) return undefined;
  return { ...packet, payload: header.payload };
}

function judgement(
  admission: Admission,
): Pick<Peer, "verdict" | "addressesDiffer" | "intervalDiffers"> {
  if (!admission.ok)
    return { verdict: admission.reason, addressesDiffer: false, intervalDiffers: false };
  const { addressesDiffer, intervalDiffers } = admission;
  return { verdict: "accepted", addressesDiffer, intervalDiffers };
}

function increment<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function place(interfaceName: string, family: AddressFamily, id: number): string {
  return `${interfaceName}/${family}/${id}`;
}
