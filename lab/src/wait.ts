/** Waiting for a condition, with a deadline that names what was waited for. */
import { setTimeout as delay } from "node:timers/promises";
import { now } from "./host-process.ts";

const POLL_MS = 10;

/**
 * Resolves with the first truthy value of `condition`.
 *
 * @param what completes "waited N ms for ...".
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
