/** RFC 9568 section 6.4.2, Backup: watches over the master and takes its place when it is gone. */
import { OWNER_PRIORITY } from "./priority.ts";
import { masterDownIntervalMs, skewTimeMs } from "./timers.ts";
import type { AdvertisementEvent, Backup, Step } from "./transitions.ts";
import { RESIGN, priorityOf, promote, unchanged } from "./transitions.ts";
import type {
  Effect,
  Notice,
  TransitionReason,
  VirtualRouter,
  VirtualRouterEvent,
} from "./types.ts";

export function inBackup(
  router: VirtualRouter,
  state: Backup,
  event: VirtualRouterEvent,
  nowMs: number,
): Step {
  switch (event.type) {
    case "advertisement":
      return advertisementInBackup(router, state, event, nowMs);
    case "tick":
      return tickInBackup(router, state, nowMs);
    case "promote":
      return state.masterDownAtMs === undefined
        ? promote(router, reasonOf(router, state), nowMs)
        : unchanged(router);
    default:
      return unchanged(router);
  }
}

function tickInBackup(router: VirtualRouter, state: Backup, nowMs: number): Step {
  if (state.masterDownAtMs === undefined || nowMs < state.masterDownAtMs) return unchanged(router);
  const lateMs = nowMs - state.masterDownAtMs;
  if (lateMs > Math.min(router.config.advertIntervalMs, state.masterIntervalMs)) {
    // This process slept, and a master may have been sending all the while: what it sent must be heard first.
    const protocol = {
      ...state,
      masterDownAtMs: nowMs + downMs(router, state.masterIntervalMs),
      inferiorSinceMs: undefined,
    };
    return unchanged({ ...router, protocol }, [notice({ type: "woke-up-late", lateMs })]);
  }
  if (router.config.syncGroup === undefined) return promote(router, reasonOf(router, state), nowMs);
  // Ready: the group decides when.
  return unchanged({ ...router, protocol: { ...state, masterDownAtMs: undefined } });
}

function advertisementInBackup(
  router: VirtualRouter,
  state: Backup,
  event: AdvertisementEvent,
  nowMs: number,
): Step {
  const { advertisement, source } = event;
  if (advertisement.priority === RESIGN) return resignationInBackup(router, state, event, nowMs);
  const own = priorityOf(router);
  const notices: Effect[] = [];
  let { inferiorSinceMs } = state;
  if (advertisement.priority < own && preempts(router, own)) {
    inferiorSinceMs ??= nowMs;
    // It is let be until the delay is over; without one its advertisement counts for nothing.
    if (nowMs - inferiorSinceMs >= router.config.preemptDelayMs) return unchanged(router);
  } else inferiorSinceMs = undefined;
  const { master } = state;
  if (master?.priority === RESIGN && master.address === source)
    notices.push(notice({ type: "resignation-revoked", source }));

  const claimedMs = router.config.version === 3 ? advertisement.advertIntervalMs : undefined;
  const known = master?.address === source ? state : undefined;
  const { intervalMs, doubted } = believe(state.masterIntervalMs, claimedMs, known);
  if (doubted && known?.claimedIntervalMs !== claimedMs && master !== undefined) {
    const toMs = advertisement.advertIntervalMs;
    notices.push(
      notice({ type: "interval-claimed", source, fromMs: state.masterIntervalMs, toMs }),
    );
  }
  const protocol: Backup = {
    type: "backup",
    masterDownAtMs: nowMs + downMs(router, intervalMs),
    masterIntervalMs: intervalMs,
    claimedIntervalMs: claimedMs,
    inferiorSinceMs,
    master: { address: source, priority: advertisement.priority, heardAtMs: nowMs },
  };
  return unchanged({ ...router, protocol }, notices);
}

/**
 * A longer interval counts at once. A shorter one would make us master early, so it counts when the same master claims
 * it a second time: one forged advertisement must not be enough.
 */
function believe(
  presentMs: number,
  claimedMs: number | undefined,
  known: Backup | undefined,
): { readonly intervalMs: number; readonly doubted: boolean } {
  if (claimedMs === undefined) return { intervalMs: presentMs, doubted: false };
  const doubted = claimedMs < presentMs && known?.claimedIntervalMs !== claimedMs;
  return { intervalMs: doubted ? presentMs : claimedMs, doubted };
}

/** The master gives up: only the skew is left to wait. Anybody else's resignation says nothing about the master. */
function resignationInBackup(
  router: VirtualRouter,
  state: Backup,
  { source }: AdvertisementEvent,
  nowMs: number,
): Step {
  const { master } = state;
  if (master !== undefined && master.address !== source)
    return unchanged(router, [notice({ type: "stranger-resigned", source })]);
  if (state.masterDownAtMs === undefined) return unchanged(router);
  const { version } = router.config;
  const skewedMs = nowMs + skewTimeMs(version, priorityOf(router), state.masterIntervalMs);
  const protocol: Backup = {
    ...state,
    // Resigned already: repeating it puts nothing off.
    masterDownAtMs:
      master?.priority === RESIGN ? Math.min(state.masterDownAtMs, skewedMs) : skewedMs,
    master: { address: source, priority: RESIGN, heardAtMs: nowMs },
  };
  return unchanged({ ...router, protocol });
}

/** Our own priority changed: the skew of what is left to wait changes with it. */
export function reskew(router: VirtualRouter, state: Backup, from: number, to: number): Backup {
  if (state.masterDownAtMs === undefined) return state;
  const { version } = router.config;
  const skew = (priority: number): number => skewTimeMs(version, priority, state.masterIntervalMs);
  return { ...state, masterDownAtMs: state.masterDownAtMs + skew(to) - skew(from) };
}

/** Section 6.1, Preempt_Mode: the address owner always preempts. */
function preempts(router: VirtualRouter, own: number): boolean {
  return router.config.preempt || own === OWNER_PRIORITY;
}

function reasonOf(router: VirtualRouter, state: Backup): TransitionReason {
  if (router.config.syncGroup !== undefined) return "sync group";
  return state.master?.priority === RESIGN ? "master resigned" : "master-down timer expired";
}

function downMs(router: VirtualRouter, masterIntervalMs: number): number {
  return masterDownIntervalMs(router.config, priorityOf(router), masterIntervalMs);
}

function notice(content: Notice): Effect {
  return { type: "notice", notice: content };
}
