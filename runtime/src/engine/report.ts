/** What the engine says of its virtual routers: the status for whoever asks, and words for the log. */
import { effectivePriority } from "../vrrp/priority.ts";
import type { Member } from "../vrrp/router-set.ts";
import type { Peer } from "../vrrp/peers.ts";
import { isReady } from "../vrrp/sync-group.ts";
import type { Notice, TransitionReason } from "../vrrp/types.ts";
import type { Holdings } from "./holdings.ts";
import { deviceOf } from "./network.ts";
import type { VirtualRouterStatus } from "./protocol.ts";

/** What is counted of one virtual router while effects are performed. */
export interface Counted {
  advertisementsSent: number;
  priorityZeroSent: number;
  becameMaster: number;
  announcementsSent: number;
  contentions: number;
  addressesRestored: number;
  enteredAtMs: number;
  reason: TransitionReason;
}

export function createCounted(nowMs: number): Counted {
  return {
    advertisementsSent: 0,
    priorityZeroSent: 0,
    becameMaster: 0,
    announcementsSent: 0,
    contentions: 0,
    addressesRestored: 0,
    enteredAtMs: nowMs,
    reason: "start",
  };
}

export function describeMember(
  member: Member,
  { enteredAtMs, reason, ...counters }: Counted,
  holdings: Holdings,
  nowMs: number,
): VirtualRouterStatus {
  const { config, protocol, trackers } = member.router;
  const { effective, base, parts } = effectivePriority(config, trackers);
  const master = protocol.type === "backup" ? protocol.master : undefined;
  return {
    name: config.name,
    interface: config.interface,
    id: config.id,
    version: config.version,
    state: protocol.type,
    stateAgeMs: nowMs - enteredAtMs,
    reason,
    ready: isReady(member.router),
    syncGroup: config.syncGroup,
    faults: protocol.type === "fault" ? protocol.reasons : [],
    priority: { effective, base, parts },
    master:
      master === undefined
        ? undefined
        : {
            address: master.address,
            priority: master.priority,
            heardAgoMs: nowMs - master.heardAtMs,
          },
    addresses: [...config.addresses, ...config.excludedAddresses].map((entry) => {
      const placed = { ...entry, device: entry.device ?? deviceOf(config) };
      return {
        address: entry.address,
        prefixLength: entry.prefixLength,
        held: holdings.holds(placed),
        foreign: holdings.isForeign(placed),
      };
    }),
    peers: [...member.peers.values()].map(({ heardAtMs, ...peer }) => ({
      ...peer,
      heardAgoMs: nowMs - heardAtMs,
    })),
    counters: {
      ...counters,
      advertisementsReceived: member.received,
      priorityZeroReceived: member.priorityZeroReceived,
      checksumStyles: Object.fromEntries(member.checksumStyles),
    },
    drops: Object.fromEntries(member.drops),
  };
}

export function describeNotice(notice: Notice): string {
  switch (notice.type) {
    case "woke-up-late":
      return `woke up ${Math.round(notice.lateMs)} ms late, listens before it acts`;
    case "same-priority-and-address":
      return `${notice.source} advertises with our priority from our address`;
    case "address-lost":
      return `${notice.address} was removed by somebody else`;
    case "interval-claimed":
      return `${notice.source} claims an interval of ${notice.toMs} ms instead of ${notice.fromMs} ms; believed when it does so again`;
    case "stranger-resigned":
      return `${notice.source} resigns, but is not the master: without effect`;
    case "resignation-revoked":
      return `${notice.source} resigned and advertises again: either it came back, or somebody resigned in its name`;
  }
}

/** What there is to say of somebody else on a virtual router's id; undefined where all is as it should be. */
export function describePeer(member: Member, peer: Peer): string | undefined {
  const { config } = member.router;
  const who = `${peer.address} (priority ${peer.priority}, ${peer.addresses.join(", ")})`;
  if (peer.verdict !== "accepted")
    return `${who} advertises on our virtual router id ${config.id} and is not believed: ${peer.verdict}. ${remedy(peer.verdict)}`;
  if (peer.addressesDiffer)
    return `${who} advertises other addresses than are configured here: one of the two configurations is wrong, or another group uses our virtual router id ${config.id}`;
  if (peer.intervalDiffers)
    return `${who} advertises every ${peer.advertIntervalMs} ms, we every ${config.advertIntervalMs} ms; while it is master, its interval counts`;
  return undefined;
}

function remedy(verdict: string): string {
  switch (verdict) {
    case "advertisement interval mismatch":
      return "Version 2 wants the same interval on all hosts; both become master otherwise";
    case "version mismatch":
      return "All hosts of a group must speak one version";
    case "address list mismatch":
      return "All hosts of a group must have the same addresses";
    case "ttl not 255":
      return "It crossed a router, or is not sent as VRRP demands";
    case "ttl out of the peer's range":
    case "not from a peer":
      return "See the peers in the configuration";
    default:
      return verdict.includes("password") || verdict.includes("auth") || verdict.includes("hmac")
        ? "All hosts of a group must use the same authentication and key; otherwise another group uses our virtual router id"
        : "";
  }
}
