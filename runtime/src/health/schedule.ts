/** When a check is due: on a grid from its first run, so that lateness does not add up, and never while it still runs. */

export interface Due {
  readonly atMs: number;
  /** Intervals that passed while the invocation was running. */
  readonly skipped: number;
}

/**
 * The next run after one that was due at `dueMs` and has ended by `nowMs`.
 *
 * @param intervalMs from start to start.
 */
export function nextDue(dueMs: number, intervalMs: number, nowMs: number): Due {
  const next = dueMs + intervalMs;
  if (next >= nowMs) return { atMs: next, skipped: 0 };
  const skipped = Math.ceil((nowMs - next) / intervalMs);
  return { atMs: next + skipped * intervalMs, skipped };
}

/** Checks that come due together: one wake-up of the process and warm caches serve them all. */
const BATCH = 32;
/** The golden ratio's fraction: its multiples lie evenly in 0..1, however many there are. */
const SPREAD = 0.618_033_988_749_895;

/**
 * Where a check's grid lies: batches come due together, and different batches as far apart as can be.
 *
 * @param index the check's number, counted from 0 in the order in which checks were loaded.
 * @returns milliseconds from the beginning of each interval, 0 up to but not including `intervalMs`.
 */
export function phaseMs(index: number, intervalMs: number): number {
  return ((Math.floor(index / BATCH) * SPREAD) % 1) * intervalMs;
}

/** The last point of a check's grid that is not after `nowMs`. */
export function gridBefore(nowMs: number, index: number, intervalMs: number): number {
  const phase = phaseMs(index, intervalMs);
  return Math.floor((nowMs - phase) / intervalMs) * intervalMs + phase;
}
