/** How long each event may take: RFC 3768's timers, the check's own times, and what a machine needs besides. */

/** A length of time, by its parts, so that it can be told where it comes from. */
export type Bound = readonly { readonly what: string; readonly ms: number }[];

/**
 * For scheduling, on a machine that does other things at the same time: two cores run three hosts, two daemons, nginx
 * and a client that opens 200 connections a second. Added once to each bound.
 */
export const BUSY_MACHINE: Bound = [{ what: "busy machine", ms: 500 }];
/** For three Node processes to start and the configuration and the plugin to be bundled, on such a machine. */
export const START: Bound = [{ what: "start", ms: 3000 }];

export function totalMs(bound: Bound): number {
  return bound.reduce((sum, part) => sum + part.ms, 0);
}

/** Section 6.1: how much later a lower priority acts. */
export function skew(priority: number): Bound {
  return [{ what: "skew", ms: ((256 - priority) / 256) * 1000 }];
}

/** Section 6.1: the silence after which a backup with this priority takes over. */
export function masterDown(priority: number, advertIntervalMs: number): Bound {
  return [{ what: "3 advertisements", ms: 3 * advertIntervalMs }, ...skew(priority)];
}

/** From something breaking or healing until a check has judged it. */
export function noticed(check: { readonly intervalMs: number; readonly timeoutMs: number }): Bound {
  return [
    { what: "check interval", ms: check.intervalMs },
    { what: "its time limit", ms: check.timeoutMs },
  ];
}

/** Until an address with this lifetime is gone: the kernel counts whole seconds. */
export function leaseEnd(validSeconds: number): Bound {
  return [
    { what: "lease", ms: validSeconds * 1000 },
    { what: "kernel's seconds", ms: 1000 },
  ];
}
