/**
 * One virtual router's state machine (RFC 9568 and RFC 3768, section 6.4): an event and the time in, the next
 * state and the effects to perform out. Deadlines are part of the state; `nextDeadlineMs` says when to call again.
 */
import { inBackup, reskew } from "./backup.ts";
import type { VirtualRouterConfig } from "./config.ts";
import { inMaster } from "./master.ts";
import type { Step } from "./transitions.ts";
import { begin, faultsOf, leave, priorityOf, unchanged } from "./transitions.ts";
import type { Effect, VirtualRouter, VirtualRouterEvent } from "./types.ts";

export type { Step } from "./transitions.ts";

/** A virtual router before its start: nothing known of its interface and its trackers. */
export function createVirtualRouter(config: VirtualRouterConfig): VirtualRouter {
  return {
    config,
    link: { type: "missing" },
    trackers: {},
    faultyMember: undefined,
    protocol: { type: "initialize", startAtMs: undefined },
  };
}

/** When the virtual router wants a `tick`, or undefined when only an event can move it. */
export function nextDeadlineMs({ protocol }: VirtualRouter): number | undefined {
  switch (protocol.type) {
    case "initialize":
      return protocol.startAtMs;
    case "fault":
      return protocol.retryAtMs;
    case "backup":
      return protocol.masterDownAtMs;
    case "master": {
      const never = Number.POSITIVE_INFINITY;
      const { advertiseAtMs, announceAtMs, refreshAtMs, renewAtMs, rival } = protocol;
      return Math.min(
        advertiseAtMs,
        renewAtMs ?? never,
        announceAtMs ?? never,
        refreshAtMs ?? never,
        rival?.goneAtMs ?? never,
      );
    }
  }
}

/** Takes one step. Any event is welcome in any state; what means nothing there changes nothing. */
export function step(router: VirtualRouter, event: VirtualRouterEvent, nowMs: number): Step {
  switch (event.type) {
    case "link":
      return surroundingsChanged(router, { ...router, link: event.link }, nowMs);
    case "tracker": {
      const trackers = { ...router.trackers, [event.name]: event.state };
      return surroundingsChanged(router, { ...router, trackers }, nowMs);
    }
    case "faulty-member":
      return surroundingsChanged(router, { ...router, faultyMember: event.member }, nowMs);
    case "shutdown": {
      const stopped = { type: "initialize", startAtMs: undefined } as const;
      return router.protocol.type === "initialize"
        ? unchanged({ ...router, protocol: stopped })
        : leave(router, stopped, "shutdown");
    }
    default:
  }
  const { protocol } = router;
  switch (protocol.type) {
    case "initialize":
      return inInitialize(router, protocol.startAtMs, event, nowMs);
    case "fault": {
      if (event.type !== "tick" || protocol.retryAtMs === undefined || nowMs < protocol.retryAtMs)
        return unchanged(router);
      return begin(router, "fault cleared", nowMs);
    }
    case "backup":
      return inBackup(router, protocol, event, nowMs);
    case "master":
      return inMaster(router, protocol, event, nowMs);
  }
}

function inInitialize(
  router: VirtualRouter,
  startAtMs: number | undefined,
  event: VirtualRouterEvent,
  nowMs: number,
): Step {
  if (event.type === "start" && router.config.startDelayMs > 0) {
    const protocol = { type: "initialize", startAtMs: nowMs + router.config.startDelayMs } as const;
    return unchanged({ ...router, protocol });
  }
  const due = event.type === "tick" && startAtMs !== undefined && nowMs >= startAtMs;
  return event.type === "start" || due ? begin(router, "start", nowMs) : unchanged(router);
}

/** The interface, a tracker or the sync group changed: into FAULT, out of it, or another priority. */
function surroundingsChanged(before: VirtualRouter, after: VirtualRouter, nowMs: number): Step {
  const { protocol } = after;
  if (protocol.type === "initialize") return unchanged(after);
  const reasons = faultsOf(after);
  if (protocol.type === "fault") {
    const { retryAtMs } = protocol;
    if (retryAtMs !== undefined) return unchanged(after);
    return reasons.length === 0
      ? begin(after, "fault cleared", nowMs)
      : unchanged({ ...after, protocol: { type: "fault", reasons, retryAtMs } });
  }
  if (reasons.length > 0)
    return leave(after, { type: "fault", reasons, retryAtMs: undefined }, "fault");
  const from = priorityOf(before);
  const to = priorityOf(after);
  if (from === to) return unchanged(after);
  const effects: Effect[] = [{ type: "priority-changed", from, to }];
  if (protocol.type === "master") return unchanged(after, effects);
  return unchanged({ ...after, protocol: reskew(after, protocol, from, to) }, effects);
}
