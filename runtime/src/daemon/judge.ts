/** Holds what the trackers say now and tells the engine of each change. */
import type { Logger } from "../observe/log.ts";
import type { TrackerState } from "../vrrp/types.ts";

/** What a check can say. */
export type CheckState = "unknown" | "up" | "down";

export interface Judge {
  /** @param weight what an up check adds to the priority instead of its configured weight. */
  set(check: string, state: "up" | "down", reason: string, weight?: number | null): void;
  state(check: string): CheckState;
}

/** Hands each check to the judge that knows it. */
export function joinJudges(own: Judge, knows: (check: string) => boolean, others: Judge): Judge {
  const judgeOf = (check: string): Judge => (knows(check) ? own : others);
  return {
    set: (check, ...said) => judgeOf(check).set(check, ...said),
    state: (check) => judgeOf(check).state(check),
  };
}

/** @param tell gets every change. */
export function createJudge(
  checks: readonly string[],
  tell: (name: string, state: TrackerState) => void,
  log: Logger,
): Judge {
  const states = new Map<string, CheckState>(checks.map((check) => [check, "unknown"]));
  const weights = new Map<string, number | null>();
  return {
    set(check, state, reason, weight = null) {
      const before = states.get(check);
      if (before === undefined || (before === state && weight === (weights.get(check) ?? null)))
        return;
      states.set(check, state);
      weights.set(check, weight);
      tell(check, weight ?? state);
      if (before === state) return log.info({ check, weight }, "the weight of a check changed");
      if (state === "up") log.info({ check, from: before, to: state }, "check is up");
      else log.warn({ check, from: before, to: state, reason }, "check is down");
    },
    state: (check) => states.get(check) ?? "unknown",
  };
}
