/** The lab's clock, and waiting for a condition with a deadline that names what was waited for. */
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;

/** Milliseconds of CLOCK_MONOTONIC: one clock for every process of the machine, in hosts or not. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * Resolves with the first truthy value of `condition`.
 *
 * @param what completes "waited N ms in vain for ...".
 * @param timeoutMs be generous: it only matters when something is broken.
 * @throws Error when the time is over.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs: number,
): Promise<T> {
  const deadline = now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(POLL_MS);
  }
}

export { delay };
