/**
 * The effective priority: the configured one and what the trackers say now, in one sum. Never incremented or
 * decremented along the way. Weights mean what they mean in keepalived.
 */
import type { FaultReason, Tracker, TrackerState, VirtualRouterConfig } from "./types.ts";

/** The address owner's priority (RFC 3768 section 5.3.4): no tracker changes it. */
export const OWNER_PRIORITY = 255;
/** The bounds for everybody else. */
export const LOWEST_PRIORITY = 1;
export const HIGHEST_PRIORITY = 254;

export interface EffectivePriority {
  readonly effective: number;
  readonly base: number;
  readonly parts: readonly {
    readonly tracker: string;
    readonly state: TrackerState;
    readonly amount: number;
  }[];
  /** Trackers with weight 0 that are not up. */
  readonly faults: readonly FaultReason[];
}

export function effectivePriority(
  config: VirtualRouterConfig,
  trackers: Readonly<Record<string, TrackerState>>,
): EffectivePriority {
  const parts = config.trackers.map((tracker) => {
    const state = stateOf(trackers, tracker.name);
    return { tracker: tracker.name, state, amount: amountOf(tracker, state) };
  });
  const sum = parts.reduce((total, part) => total + part.amount, config.priority);
  return {
    effective:
      config.priority === OWNER_PRIORITY
        ? OWNER_PRIORITY
        : Math.min(HIGHEST_PRIORITY, Math.max(LOWEST_PRIORITY, sum)),
    base: config.priority,
    parts,
    faults: config.trackers.flatMap((tracker): FaultReason[] => {
      const state = stateOf(trackers, tracker.name);
      if (tracker.weight !== 0 || state === "up") return [];
      return [
        { type: state === "down" ? "tracker-down" : "tracker-unknown", tracker: tracker.name },
      ];
    }),
  };
}

function stateOf(trackers: Readonly<Record<string, TrackerState>>, name: string): TrackerState {
  return Object.hasOwn(trackers, name) ? (trackers[name] ?? "unknown") : "unknown";
}

function amountOf(tracker: Tracker, state: TrackerState): number {
  if (tracker.weight > 0 && state === "up") return tracker.weight;
  if (tracker.weight < 0 && state === "down") return tracker.weight;
  return 0;
}
