/**
 * How much rarer a check runs that keeps failing by its own doing. It still runs, and its first good invocation ends
 * this: only its cost is held down.
 */

/** Faults in a row that cost nothing: any plugin may stumble. */
const FREE = 3;
/** Beyond this a check is not made rarer. */
const LONGEST_MS = 60_000;

/**
 * @param faults in a row.
 * @returns how long the next run is put off, in milliseconds: whole intervals, so that it stays on its grid.
 */
export function putOffMs(faults: number, intervalMs: number): number {
  if (faults < FREE) return 0;
  const intervals = 2 ** Math.min(faults - FREE + 1, 16) - 1;
  return Math.min(intervals, Math.floor(LONGEST_MS / intervalMs)) * intervalMs;
}
