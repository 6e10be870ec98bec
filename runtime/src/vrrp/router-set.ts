/** All virtual routers of this host: finds the one that a packet is for, admits it, takes the step, counts. */
import type { Ipv4Address } from "../packet/address.ts";
import type { Ipv4DropReason } from "../packet/ipv4.ts";
import { parseIpv4Packet } from "../packet/ipv4.ts";
import type { PacketDropReason } from "../packet/vrrp.ts";
import { VRRP_GROUP, parseAdvertisement } from "../packet/vrrp.ts";
import { admit } from "./admission.ts";
import type {
  AdmissionDropReason,
  Effect,
  VirtualRouter,
  VirtualRouterConfig,
  VirtualRouterEvent,
} from "./types.ts";
import { createVirtualRouter, nextDeadlineMs, step } from "./virtual-router.ts";

export type DropReason = Ipv4DropReason | PacketDropReason | AdmissionDropReason;

/** One virtual router and what was counted for it. */
export interface Member {
  router: VirtualRouter;
  readonly drops: Map<DropReason, number>;
  received: number;
  priorityZeroReceived: number;
  /** Whether the last admitted advertisement named other addresses than ours; a change is worth a notice. */
  addressesDiffer: boolean;
}

export interface RouterSet {
  readonly members: ReadonlyMap<string, Member>;
  /** The same, by interface and virtual router id. */
  readonly byPlace: ReadonlyMap<string, Member>;
  /** Packets that belong to none of them, by reason. */
  readonly drops: Map<DropReason, number>;
}

/** What `receive` found: effects of the virtual router it was for, or why it was dropped. */
export type Received =
  | { readonly ok: true; readonly member: Member; readonly effects: readonly Effect[] }
  | {
      readonly ok: false;
      readonly member: Member | undefined;
      readonly reason: DropReason;
      readonly source: Ipv4Address | undefined;
    };

export function createRouterSet(configs: readonly VirtualRouterConfig[]): RouterSet {
  const members = new Map<string, Member>();
  const byPlace = new Map<string, Member>();
  for (const config of configs) {
    const member: Member = {
      router: createVirtualRouter(config),
      drops: new Map(),
      received: 0,
      priorityZeroReceived: 0,
      addressesDiffer: false,
    };
    members.set(config.name, member);
    byPlace.set(place(config.interface, config.id), member);
  }
  return { members, byPlace, drops: new Map() };
}

/** An IPv4 packet of protocol 112, from its header on, arrived on `interfaceName`. Takes any bytes. */
export function receive(
  set: RouterSet,
  interfaceName: string,
  packet: Uint8Array,
  nowMs: number,
): Received {
  const ip = parseIpv4Packet(packet);
  if (!ip.ok) return dropped(set, undefined, ip.reason, undefined);
  const { source, destination, payload, ttl } = ip.value;
  const parsed = parseAdvertisement(payload, ttl);
  // A broken packet counts where its virtual router id points: that is where people look.
  const member = set.byPlace.get(place(interfaceName, payload[1] ?? 0));
  if (!parsed.ok) return dropped(set, member, parsed.reason, source);
  if (member === undefined)
    return dropped(set, undefined, "virtual router not configured here", source);
  if (destination !== VRRP_GROUP) {
    return dropped(set, member, "not sent to the multicast group", source);
  }
  const { config, link } = member.router;
  const admission = admit(
    config,
    parsed.value,
    source,
    link.type === "up" ? link.source : undefined,
  );
  if (!admission.ok) return dropped(set, member, admission.reason, source);
  member.received++;
  if (parsed.value.priority === 0) member.priorityZeroReceived++;
  const effects = [
    ...dispatch(member, { type: "advertisement", advertisement: parsed.value, source }, nowMs),
  ];
  if (admission.addressesDiffer && !member.addressesDiffer)
    effects.push({
      type: "notice",
      notice: `${source} advertises other addresses than are configured here: ${parsed.value.addresses.join(", ")}`,
    });
  member.addressesDiffer = admission.addressesDiffer;
  return { ok: true, member, effects };
}

/** Gives one virtual router an event; the caller performs the effects. */
export function dispatch(
  member: Member,
  event: VirtualRouterEvent,
  nowMs: number,
): readonly Effect[] {
  const { router, effects } = step(member.router, event, nowMs);
  member.router = router;
  return effects;
}

/** When the next `tick` is due for any of them; undefined when none waits for time. */
export function nextDeadlineOf(set: RouterSet): number | undefined {
  let next: number | undefined;
  for (const { router } of set.members.values()) {
    const deadline = nextDeadlineMs(router);
    if (deadline !== undefined && (next === undefined || deadline < next)) next = deadline;
  }
  return next;
}

function dropped(
  set: RouterSet,
  member: Member | undefined,
  reason: DropReason,
  source: Ipv4Address | undefined,
): Received {
  const drops = member?.drops ?? set.drops;
  drops.set(reason, (drops.get(reason) ?? 0) + 1);
  return { ok: false, member, reason, source };
}

function place(interfaceName: string, id: number): string {
  return `${interfaceName}/${id}`;
}
