/**
 * The effective priority: the configured one and what the trackers say now, in one sum. Never incremented or
 * decremented along the way. Weights mean what they mean in keepalived.
 */
import type { Tracker, VirtualRouterConfig } from "./config.ts";
import type { FaultReason, TrackerState } from "./types.ts";

/** The address owner's priority (RFC 9568 section 5.2.4): no tracker changes it. */
export const OWNER_PRIORITY = 255;
/** The bounds for everybody else. */
export const LOWEST_PRIORITY = 1;
export const HIGHEST_PRIORITY = 254;
/** What a tracker can add at most, and below which it means FAULT. */
export const AMOUNT_MAX = 253;

export interface EffectivePriority {
  readonly effective: number;
  readonly base: number;
  readonly parts: readonly {
    readonly tracker: string;
    readonly state: TrackerState;
    readonly amount: number;
  }[];
  /** Trackers that forbid to be master now. */
  readonly faults: readonly FaultReason[];
}

export function effectivePriority(
  config: Pick<VirtualRouterConfig, "priority" | "trackers">,
  trackers: Readonly<Record<string, TrackerState>>,
): EffectivePriority {
  let sum = config.priority;
  const faults: FaultReason[] = [];
  const parts = config.trackers.map((tracker) => {
    const state = Object.hasOwn(trackers, tracker.name)
      ? (trackers[tracker.name] ?? "unknown")
      : "unknown";
    const judged = judge(tracker, state);
    if (typeof judged === "object") faults.push(judged);
    const amount = typeof judged === "object" ? 0 : judged;
    sum += amount;
    return { tracker: tracker.name, state, amount };
  });
  return {
    effective:
      config.priority === OWNER_PRIORITY
        ? OWNER_PRIORITY
        : Math.min(HIGHEST_PRIORITY, Math.max(LOWEST_PRIORITY, sum)),
    base: config.priority,
    parts,
    faults,
  };
}

/** What one tracker adds, or the fault that it means. */
function judge(tracker: Tracker, state: TrackerState): number | FaultReason {
  const { name, weight, reverse } = tracker;
  const down: FaultReason = { type: "tracker-down", tracker: name };
  if (typeof state === "number" && tracker.kind === "check")
    return Math.max(-AMOUNT_MAX, Math.min(AMOUNT_MAX, reverse ? -state : state));
  if (typeof state === "number") {
    if (weight === 0) return (state !== 0) === reverse ? 0 : down;
    const amount = state * weight * (reverse ? -1 : 1);
    return amount < -AMOUNT_MAX ? down : Math.min(AMOUNT_MAX, amount);
  }
  if (weight === 0) {
    if (state === "unknown") return { type: "tracker-unknown", tracker: name };
    return (state === "up") === reverse ? down : 0;
  }
  if (state !== (weight > 0 ? "up" : "down")) return 0;
  return reverse ? -weight : weight;
}
