/**
 * One virtual router's state machine (RFC 3768 section 6.4; words of RFC 9568): an event and the time in, the next
 * state and the effects to perform out. Deadlines are part of the state; `nextDeadlineMs` says when to call again.
 */
import { compareAddresses } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import { HIGHEST_PRIORITY, OWNER_PRIORITY, effectivePriority } from "./priority.ts";
import { leaseSeconds, masterDownIntervalMs, skewTimeMs } from "./timers.ts";
import type {
  Effect,
  FaultReason,
  ProtocolState,
  TransitionReason,
  VirtualRouter,
  VirtualRouterConfig,
  VirtualRouterEvent,
} from "./types.ts";

const RESIGN = 0;

export interface Step {
  readonly router: VirtualRouter;
  readonly effects: readonly Effect[];
}

type Backup = Extract<ProtocolState, { type: "backup" }>;
type Master = Extract<ProtocolState, { type: "master" }>;
type AdvertisementEvent = Extract<VirtualRouterEvent, { type: "advertisement" }>;

/** A virtual router before its start: nothing known of its interface and its trackers. */
export function createVirtualRouter(config: VirtualRouterConfig): VirtualRouter {
  return { config, link: { type: "missing" }, trackers: {}, protocol: { type: "initialize" } };
}

/** When the virtual router wants a `tick`, or undefined when only an event can move it. */
export function nextDeadlineMs(router: VirtualRouter): number | undefined {
  const { protocol } = router;
  if (protocol.type === "backup") return protocol.masterDownAtMs;
  if (protocol.type === "master")
    return Math.min(protocol.advertiseAtMs, protocol.announceAtMs ?? Number.POSITIVE_INFINITY);
  return undefined;
}

/** Takes one step. Any event is welcome in any state; what means nothing there changes nothing. */
export function step(router: VirtualRouter, event: VirtualRouterEvent, nowMs: number): Step {
  switch (event.type) {
    case "link":
      return surroundingsChanged(router, { ...router, link: event.link }, nowMs);
    case "tracker":
      return surroundingsChanged(
        router,
        { ...router, trackers: { ...router.trackers, [event.name]: event.state } },
        nowMs,
      );
    case "shutdown":
      return router.protocol.type === "initialize"
        ? unchanged(router)
        : leave(router, { type: "initialize" }, "shutdown");
    default:
  }
  switch (router.protocol.type) {
    case "initialize":
      return event.type === "start" ? begin(router, "start", nowMs) : unchanged(router);
    case "fault":
      return unchanged(router);
    case "backup":
      return inBackup(router, router.protocol, event, nowMs);
    case "master":
      return inMaster(router, router.protocol, event, nowMs);
  }
}

/** Section 6.4.1, Initialize: an address owner is master at once, everybody else listens first. */
function begin(router: VirtualRouter, reason: "start" | "fault cleared", nowMs: number): Step {
  const faults = faultsOf(router);
  if (faults.length > 0) return leave(router, { type: "fault", reasons: faults }, "fault");
  if (router.config.priority === OWNER_PRIORITY) return promote(router, "address owner", nowMs);
  return leave(router, listen(router, nowMs, undefined), reason);
}

/** Section 6.4.2, Backup. */
function inBackup(
  router: VirtualRouter,
  state: Backup,
  event: VirtualRouterEvent,
  nowMs: number,
): Step {
  if (event.type === "advertisement") return advertisementInBackup(router, state, event, nowMs);
  if (event.type !== "tick" || nowMs < state.masterDownAtMs) return unchanged(router);
  const lateMs = nowMs - state.masterDownAtMs;
  if (lateMs > router.config.advertIntervalMs) {
    // This process slept, and a master may have been sending all the while: what it sent must be heard first.
    return {
      router: { ...router, protocol: listen(router, nowMs, state.master) },
      effects: [
        { type: "notice", notice: `woke up ${Math.round(lateMs)} ms late, listening again` },
      ],
    };
  }
  return promote(
    router,
    state.master?.priority === RESIGN ? "master resigned" : "master-down timer expired",
    nowMs,
  );
}

function advertisementInBackup(
  router: VirtualRouter,
  state: Backup,
  event: AdvertisementEvent,
  nowMs: number,
): Step {
  const { advertisement, source } = event;
  const own = priorityOf(router);
  const master = { address: source, priority: advertisement.priority, heardAtMs: nowMs };
  if (advertisement.priority === RESIGN) {
    const skewedMs = nowMs + skewTimeMs(own);
    // Resigned already: repeating it puts nothing off.
    const masterDownAtMs =
      state.master?.priority === RESIGN ? Math.min(state.masterDownAtMs, skewedMs) : skewedMs;
    return {
      router: { ...router, protocol: { type: "backup", masterDownAtMs, master } },
      effects: [],
    };
  }
  // Section 6.1, Preempt_Mode: the address owner always preempts.
  const preempts = router.config.preempt || own === OWNER_PRIORITY;
  if (preempts && advertisement.priority < own) return unchanged(router);
  return { router: { ...router, protocol: listen(router, nowMs, master) }, effects: [] };
}

/** Section 6.4.3, Master. */
function inMaster(
  router: VirtualRouter,
  state: Master,
  event: VirtualRouterEvent,
  nowMs: number,
): Step {
  const { config } = router;
  const lateMs = nowMs - state.advertiseAtMs;
  if (lateMs > masterDownIntervalMs(config.advertIntervalMs, priorityOf(router))) {
    // This process slept so long that its leases have ended and another node is master by now. Whatever is the first
    // thing it is told: a packet or the loss of an address may reach it before its own timer does.
    return leave(
      router,
      listen(router, nowMs, undefined),
      "woke up late",
      [{ type: "notice", notice: `woke up ${Math.round(lateMs)} ms late` }],
      "silently",
    );
  }
  switch (event.type) {
    case "advertisement":
      return advertisementInMaster(router, state, event, nowMs);
    case "tick":
      return tickInMaster(router, state, nowMs);
    case "address-lost":
      return leave(router, listen(router, nowMs, undefined), "address lost", [
        { type: "notice", notice: `${event.address} was removed by somebody else` },
      ]);
    case "address-refused":
      return leave(router, listen(router, nowMs, undefined), "address lost", [
        { type: "notice", notice: `${event.address} could not be added: ${event.reason}` },
      ]);
    default:
      return unchanged(router);
  }
}

function advertisementInMaster(
  router: VirtualRouter,
  state: Master,
  event: AdvertisementEvent,
  nowMs: number,
): Step {
  const { advertisement, source } = event;
  const own = priorityOf(router);
  const advertiseAtMs = nowMs + router.config.advertIntervalMs;
  if (advertisement.priority === RESIGN) {
    return {
      router: { ...router, protocol: { ...state, advertiseAtMs } },
      effects: [send(router, own), ...renew(router)],
    };
  }
  const ownAddress = router.link.type === "up" ? router.link.source : undefined;
  const order =
    advertisement.priority - own ||
    (ownAddress === undefined ? 0 : compareAddresses(source, ownAddress));
  if (order > 0) {
    const heard = { address: source, priority: advertisement.priority, heardAtMs: nowMs };
    const reason =
      advertisement.priority > own
        ? "higher priority heard"
        : "equal priority and higher address heard";
    return leave(router, listen(router, nowMs, heard), reason, [], "silently");
  }
  // Another master that must yield: tell it at once, and everybody else where the addresses are (RFC 9568 section 6.4.3).
  return {
    router: { ...router, protocol: { ...state, advertiseAtMs } },
    effects: [
      send(router, own),
      ...renew(router),
      { type: "announce", count: router.config.gratuitousArp.count },
    ],
  };
}

function tickInMaster(router: VirtualRouter, state: Master, nowMs: number): Step {
  const { config } = router;
  const effects: Effect[] = [];
  let { advertiseAtMs, announceAtMs } = state;
  const silentMs = nowMs - advertiseAtMs + config.advertIntervalMs;
  if (nowMs >= advertiseAtMs) {
    effects.push(send(router, priorityOf(router)), ...renew(router));
    // From the deadline, not from now, so that lateness does not add up.
    advertiseAtMs += config.advertIntervalMs;
    if (advertiseAtMs <= nowMs) advertiseAtMs = nowMs + config.advertIntervalMs;
  }
  const announceIsDue = announceAtMs !== undefined && nowMs >= announceAtMs;
  // Silent for as long as the fastest backup waits: the neighbours may have been led to it meanwhile.
  const mayBeReplaced = silentMs > masterDownIntervalMs(config.advertIntervalMs, HIGHEST_PRIORITY);
  if (announceIsDue || mayBeReplaced)
    effects.push({ type: "announce", count: config.gratuitousArp.count });
  if (announceIsDue) announceAtMs = undefined;
  if (effects.length === 0) return unchanged(router);
  return {
    router: { ...router, protocol: { type: "master", advertiseAtMs, announceAtMs } },
    effects,
  };
}

/** The interface or a tracker changed: into FAULT, out of it, or another priority. */
function surroundingsChanged(before: VirtualRouter, after: VirtualRouter, nowMs: number): Step {
  const { protocol } = after;
  if (protocol.type === "initialize") return unchanged(after);
  const reasons = faultsOf(after);
  if (protocol.type === "fault") {
    return reasons.length === 0
      ? begin(after, "fault cleared", nowMs)
      : unchanged({ ...after, protocol: { type: "fault", reasons } });
  }
  if (reasons.length > 0) return leave(after, { type: "fault", reasons }, "fault");
  const from = priorityOf(before);
  const to = priorityOf(after);
  if (from === to) return unchanged(after);
  const effects: Effect[] = [{ type: "priority-changed", from, to }];
  if (protocol.type === "master") return { router: after, effects };
  const masterDownAtMs = protocol.masterDownAtMs + skewTimeMs(to) - skewTimeMs(from);
  return { router: { ...after, protocol: { ...protocol, masterDownAtMs } }, effects };
}

/** In keepalived's order: others are told before the addresses are there, and everybody where they are afterwards. */
function promote(router: VirtualRouter, reason: TransitionReason, nowMs: number): Step {
  const { config } = router;
  const { count, repeatAfterMs } = config.gratuitousArp;
  const protocol: Master = {
    type: "master",
    advertiseAtMs: nowMs + config.advertIntervalMs,
    announceAtMs: repeatAfterMs === 0 ? undefined : nowMs + repeatAfterMs,
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
function leave(
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

function listen(router: VirtualRouter, nowMs: number, master: Backup["master"]): Backup {
  return {
    type: "backup",
    masterDownAtMs:
      nowMs + masterDownIntervalMs(router.config.advertIntervalMs, priorityOf(router)),
    master,
  };
}

function send(router: VirtualRouter, priority: number): Effect {
  const { id, advertIntervalMs, authentication, addresses } = router.config;
  const advertisement: Advertisement = {
    version: 2,
    virtualRouterId: id,
    priority,
    advertIntervalMs,
    authentication,
    addresses: addresses.map((entry) => entry.address),
  };
  return { type: "send-advertisement", advertisement };
}

function renew(router: VirtualRouter): Effect[] {
  return router.config.lease
    ? [{ type: "renew-addresses", leaseSeconds: leaseSeconds(router.config) }]
    : [];
}

function faultsOf(router: VirtualRouter): readonly FaultReason[] {
  const { faults } = effectivePriority(router.config, router.trackers);
  if (router.link.type === "missing") return [{ type: "interface-missing" }, ...faults];
  if (router.link.type === "down") return [{ type: "interface-down" }, ...faults];
  return router.link.source === undefined ? [{ type: "no-source-address" }, ...faults] : faults;
}

function priorityOf(router: VirtualRouter): number {
  return effectivePriority(router.config, router.trackers).effective;
}

function unchanged(router: VirtualRouter): Step {
  return { router, effects: [] };
}
