/**
 * Rise and fall, as keepalived counts them: a run of `rise` successes brings a check up, a run of `fall` failures
 * brings it down, and the first result of all decides alone.
 */

export interface Tracker {
  readonly state: "unknown" | "up" | "down";
  /** Results in a row that speak against the state. */
  readonly against: number;
}

export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

/** A tracker before its first result, or one that goes on from what was known before. */
export function createTracker(state: Tracker["state"] = "unknown"): Tracker {
  return { state, against: 0 };
}

/** Takes in one result. */
export function record(tracker: Tracker, success: boolean, { rise, fall }: Thresholds): Tracker {
  const says = success ? "up" : "down";
  if (tracker.state === "unknown") return { state: says, against: 0 };
  if (tracker.state === says) return tracker.against === 0 ? tracker : { state: says, against: 0 };
  const against = tracker.against + 1;
  return against >= (success ? rise : fall)
    ? { state: says, against: 0 }
    : { state: tracker.state, against };
}
