/** How long to wait before a process that died is started again: at once, then longer while it keeps dying. */

const FIRST_MS = 100;
const LAST_MS = 30_000;
/** A process that lived this long died of something new. */
const FORGET_MS = 60_000;

export interface Backoff {
  /** The wait before the next start, in milliseconds. */
  next(): number;
}

export function createBackoff(now: () => number = () => performance.now()): Backoff {
  let attempts = 0;
  let lastAtMs = Number.NEGATIVE_INFINITY;
  return {
    next() {
      if (now() - lastAtMs > FORGET_MS) attempts = 0;
      lastAtMs = now();
      const delayMs = attempts === 0 ? 0 : Math.min(FIRST_MS * 2 ** (attempts - 1), LAST_MS);
      attempts++;
      return delayMs;
    },
  };
}
