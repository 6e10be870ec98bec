/** Ways from one state into another, and what belongs to each: used by every state. */
import type { Advertisement } from "../packet/vrrp.ts";
import { OWNER_PRIORITY, effectivePriority } from "./priority.ts";
import { leaseSeconds, masterDownIntervalMs, renewalIntervalMs } from "./timers.ts";
import type {
  Effect,
  FaultReason,
  Heard,
  ProtocolState,
  TransitionReason,
  VirtualRouter,
  VirtualRouterEvent,
} from "./types.ts";

/** The priority that says: I resign. */
export const RESIGN = 0;
/** A fault that the kernel or another program caused is tried again after this time. */
const RETRY_MS = 10_000;

export interface Step {
  readonly router: VirtualRouter;
  readonly effects: readonly Effect[];
}

export type Backup = Extract<ProtocolState, { type: "backup" }>;
export type Master = Extract<ProtocolState, { type: "master" }>;
export type AdvertisementEvent = Extract<VirtualRouterEvent, { type: "advertisement" }>;

/** RFC 9568 section 6.4.1, Initialize: an address owner is master at once, everybody else listens first. */
export function begin(
  router: VirtualRouter,
  reason: "start" | "fault cleared",
  nowMs: number,
): Step {
  const reasons = faultsOf(router);
  if (reasons.length > 0) {
    const fault = { type: "fault", reasons, retryAtMs: undefined } as const;
    return router.protocol.type === "fault"
      ? unchanged({ ...router, protocol: fault })
      : leave(router, fault, "fault");
  }
  const { priority, initialState, syncGroup } = router.config;
  if (priority !== OWNER_PRIORITY || initialState !== "master")
    return leave(router, listen(router, nowMs), reason);
  if (syncGroup === undefined) return promote(router, "address owner", nowMs);
  return leave(router, { ...listen(router, nowMs), masterDownAtMs: undefined }, reason);
}

/** In keepalived's order: others are told before the addresses are there, and everybody where they are afterwards. */
export function promote(router: VirtualRouter, reason: TransitionReason, nowMs: number): Step {
  const { config } = router;
  const { count, repeatAfterMs, refreshEveryMs } = config.announcement;
  const protocol: Master = {
    type: "master",
    advertiseAtMs: nowMs + config.advertIntervalMs,
    announceAtMs: later(nowMs, repeatAfterMs),
    refreshAtMs: later(nowMs, refreshEveryMs),
    answerAgainAtMs: nowMs,
    contendAgainAtMs: nowMs,
    renewAtMs: config.lease ? nowMs + renewalIntervalMs(config) : undefined,
    rival: undefined,
  };
  const priority = priorityOf(router);
  return {
    router: { ...router, protocol },
    effects: [
      send(router, priority),
      { type: "add-addresses", leaseSeconds: config.lease ? leaseSeconds(config) : undefined },
      { type: "announce", count },
      {
        type: "transition",
        from: router.protocol.type,
        to: "master",
        reason,
        priority,
        faults: [],
      },
    ],
  };
}

/** Into any state but master. Who was master gives the addresses up, and says so unless another master is heard or time was lost. */
export function leave(
  router: VirtualRouter,
  protocol: Exclude<ProtocolState, Master>,
  reason: TransitionReason,
  notices: readonly Effect[] = [],
  farewell: "priority 0" | "silently" = "priority 0",
): Step {
  const effects: Effect[] = [...notices];
  if (router.protocol.type === "master") {
    if (farewell === "priority 0" && router.link.type === "up" && router.link.source !== undefined)
      effects.push(send(router, RESIGN));
    effects.push({ type: "remove-addresses" });
  }
  effects.push({
    type: "transition",
    from: router.protocol.type,
    to: protocol.type,
    reason,
    priority: priorityOf(router),
    faults: protocol.type === "fault" ? protocol.reasons : [],
  });
  return { router: { ...router, protocol }, effects };
}

/** Into FAULT for a reason that nobody will tell us the end of. */
export function faultForAWhile(
  router: VirtualRouter,
  fault: FaultReason,
  reason: TransitionReason,
  nowMs: number,
): Step {
  const reasons = [fault, ...faultsOf(router)];
  return leave(router, { type: "fault", reasons, retryAtMs: nowMs + RETRY_MS }, reason);
}

/** Backup with a full master-down interval before it. */
export function listen(router: VirtualRouter, nowMs: number, master?: Heard): Backup {
  const { advertIntervalMs } = router.config;
  return {
    type: "backup",
    masterDownAtMs: nowMs + masterDownIntervalMs(router.config, priorityOf(router)),
    masterIntervalMs: advertIntervalMs,
    claimedIntervalMs: undefined,
    inferiorSinceMs: undefined,
    master,
  };
}

export function send(router: VirtualRouter, priority: number): Effect {
  const { id, version, advertIntervalMs, authentication } = router.config;
  const common = { virtualRouterId: id, priority, advertIntervalMs };
  const addresses = router.config.addresses.map((entry) => entry.address);
  const advertisement: Advertisement =
    version === 3
      ? { version, ...common, addresses }
      : {
          version,
          ...common,
          // The trailer of HMAC follows an advertisement that itself has no authentication.
          authentication:
            authentication.type === "HMAC"
              ? { type: "none" }
              : authentication.type === "AH"
                ? { type: "AH" }
                : authentication,
          addresses: addresses as Extract<Advertisement, { version: 2 }>["addresses"],
        };
  return { type: "send-advertisement", advertisement };
}

export function faultsOf(router: VirtualRouter): readonly FaultReason[] {
  const { faults } = effectivePriority(router.config, router.trackers);
  const own = [...linkFaults(router), ...faults];
  return router.faultyMember === undefined
    ? own
    : [...own, { type: "sync-group", member: router.faultyMember }];
}

export function priorityOf(router: VirtualRouter): number {
  return effectivePriority(router.config, router.trackers).effective;
}

export function unchanged(router: VirtualRouter, effects: readonly Effect[] = []): Step {
  return { router, effects };
}

/** A deadline `delayMs` from now; none where the delay is 0. */
export function later(nowMs: number, delayMs: number): number | undefined {
  return delayMs === 0 ? undefined : nowMs + delayMs;
}

/** Without a source there is nothing to advertise from, whether or not the interface counts. */
function linkFaults({ config, link }: VirtualRouter): FaultReason[] {
  if (link.type === "up") return link.source === undefined ? [{ type: "no-source-address" }] : [];
  if (!config.trackInterface) return [];
  return [{ type: link.type === "missing" ? "interface-missing" : "interface-down" }];
}
