/** Holds what the trackers say now and tells the engine of each change. */
import type { Logger } from "../observe/log.ts";
import type { TrackerState } from "../vrrp/types.ts";

/** What a check can say. */
export type CheckState = "unknown" | "up" | "down";

export interface Judge {
  set(check: string, state: "up" | "down", reason: string): void;
  state(check: string): CheckState;
}

/** @param tell gets every change. */
export function createJudge(
  checks: readonly string[],
  tell: (name: string, state: TrackerState) => void,
  log: Logger,
): Judge {
  const states = new Map<string, CheckState>(checks.map((check) => [check, "unknown"]));
  return {
    set(check, state, reason) {
      const before = states.get(check);
      if (before === undefined || before === state) return;
      states.set(check, state);
      tell(check, state);
      if (state === "up") log.info({ check, from: before, to: state }, "check is up");
      else log.warn({ check, from: before, to: state, reason }, "check is down");
    },
    state: (check) => states.get(check) ?? "unknown",
  };
}
