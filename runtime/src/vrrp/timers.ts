/** The formulas of RFC 9568 section 6.1 and RFC 3768 section 6.1, and the length of a lease that follows from them. */
import { LOWEST_PRIORITY } from "./priority.ts";
import type { VirtualRouterConfig } from "./config.ts";

const SECOND_MS = 1000;
const LEASE_SECONDS_MIN = 3;
/** A lease is not renewed more often than this, however often a master advertises. */
export const RENEWAL_MS_MIN = 1000;

/** What the timers depend on. */
export type Timing = Pick<
  VirtualRouterConfig,
  "version" | "advertIntervalMs" | "missedAdvertisements"
>;

/**
 * Skew_Time: the higher the priority, the sooner a backup acts. Milliseconds. In version 2 a part of a second, in
 * version 3 a part of the master's interval.
 */
export function skewTimeMs(version: 2 | 3, priority: number, masterIntervalMs: number): number {
  return ((256 - priority) / 256) * (version === 2 ? SECOND_MS : masterIntervalMs);
}

/** Master_Down_Interval: three advertisements (or as many as configured) and the skew. Milliseconds. */
export function masterDownIntervalMs(
  timing: Timing,
  priority: number,
  masterIntervalMs: number = timing.advertIntervalMs,
): number {
  return (
    timing.missedAdvertisements * masterIntervalMs +
    skewTimeMs(timing.version, priority, masterIntervalMs)
  );
}

/** Time from one renewal of the leases to the next. Milliseconds. */
export function renewalIntervalMs(timing: Timing): number {
  return Math.max(timing.advertIntervalMs, RENEWAL_MS_MIN);
}

/**
 * How long the kernel keeps an address that nobody renews, in whole seconds, its unit. As long as the slowest backup
 * may take to notice, counted from the last advertisement: shorter, and a master that is late by what the protocol
 * tolerates would lose its address; longer, and a dead node would keep an address that another one has taken.
 */
export function leaseSeconds(timing: Timing): number {
  const sinceRenewalMs = renewalIntervalMs(timing) - timing.advertIntervalMs;
  const downMs = masterDownIntervalMs(timing, LOWEST_PRIORITY);
  return Math.max(LEASE_SECONDS_MIN, Math.ceil((downMs + sinceRenewalMs) / SECOND_MS));
}
