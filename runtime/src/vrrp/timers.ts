/** The two formulas of RFC 3768 section 6.1, and the length of a lease that follows from them. */
import { LOWEST_PRIORITY } from "./priority.ts";
import type { VirtualRouterConfig } from "./types.ts";

const SECOND_MS = 1000;
/** Advertisements that may be missed before a master counts as gone. */
const MISSED_ADVERTISEMENTS = 3;
const LEASE_SECONDS_MIN = 3;

/** Skew_Time: the higher the priority, the sooner a backup acts. Milliseconds. */
export function skewTimeMs(priority: number): number {
  return ((256 - priority) / 256) * SECOND_MS;
}

/** Master_Down_Interval: three advertisements and the skew. Milliseconds. */
export function masterDownIntervalMs(advertIntervalMs: number, priority: number): number {
  return MISSED_ADVERTISEMENTS * advertIntervalMs + skewTimeMs(priority);
}

/**
 * How long the kernel keeps an address that nobody renews, in whole seconds, its unit. As long as the slowest backup
 * (skew: one second) may take to notice: shorter, and a master that is late by what the protocol tolerates would lose
 * its address; longer, and a dead node would keep an address that another one has taken.
 */
export function leaseSeconds(config: VirtualRouterConfig): number {
  return Math.max(
    LEASE_SECONDS_MIN,
    Math.ceil(masterDownIntervalMs(config.advertIntervalMs, LOWEST_PRIORITY) / SECOND_MS),
  );
}
