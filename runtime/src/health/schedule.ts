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

/**
 * How far into its first interval a check starts its grid, so that many checks do not come due at once: a fraction
 * of the interval that depends on the name alone.
 */
export function phaseMs(name: string, intervalMs: number): number {
  // FNV-1a, then mixed so that names that differ at their end alone lie apart too.
  let hash = 2166136261;
  for (let index = 0; index < name.length; index++)
    hash = Math.imul(hash ^ name.charCodeAt(index), 16777619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * intervalMs;
}
