/** How long things may take, from the protocol's own formulas and from what the network and the timers are allowed. */
import { LOWEST_PRIORITY } from "../runtime/src/vrrp/priority.ts";
import { masterDownIntervalMs } from "../runtime/src/vrrp/timers.ts";
import type { RouterSetup, Setup } from "./scenario.ts";

/** Two clocks of a thousandth each, in opposite directions, and what rounding needs. */
const DRIFT = 1.003;

export type Bounded = Pick<Setup, "version" | "routers" | "network" | "latenessMs">;

/** The longest of anybody's intervals: what a backup may have learnt. */
export function longestIntervalMs({ routers }: Pick<Setup, "routers">): number {
  return Math.max(...routers.flatMap((router) => router.intervalsMs));
}

export function shortestIntervalMs({ routers }: Pick<Setup, "routers">): number {
  return Math.min(...routers.flatMap((router) => router.intervalsMs));
}

/**
 * So many advertisements in a row may be lost without a master being taken for dead. With k lost, k + 1 intervals pass
 * between two that arrive, give or take a delay and a lateness, which are below an interval together: k + 2 intervals
 * must not be more than the `missedAdvertisements` of a Master_Down_Interval. None where intervals are mixed: a shorter
 * one counts when it is claimed for the second time, and the loss may fall in between.
 */
export function lossesInRowMax({ missedAdvertisements, intervalsMs }: RouterSetup): number {
  const equal = new Set(intervalsMs).size === 1;
  return equal ? Math.max(0, missedAdvertisements - 2) : 0;
}

/**
 * From the last disturbance to a lasting order. In this sequence, each part at its longest:
 *
 *   1. what is under way arrives: a delay;
 *   2. nobody was master: the longest Master_Down_Interval of the lowest priority, counted from what just arrived, and
 *      the lateness of that timer;
 *   3. several became master: each hears the best of them within `hearMs`, and yields;
 *   4. a backup that preempts with a delay hears a lower priority, `hearMs`, and lets its delay pass;
 *   5. then it takes notice no more, and its Master_Down_Interval runs out;
 *   6. the one it displaces, and everybody who became master with it, hears it: `hearMs`.
 *
 * All that preempt wait at the same time, because none takes notice of a lower one: there is no sequence of them. The
 * members of a sync group wait for the slowest of them, which the longest of all values covers.
 */
export function convergenceMs(bounded: Bounded): number {
  const { version, routers, network, latenessMs } = bounded;
  const intervalMs = longestIntervalMs(bounded);
  const downMs = Math.max(
    ...routers.map(({ missedAdvertisements }) =>
      masterDownIntervalMs(
        { version, advertIntervalMs: intervalMs, missedAdvertisements },
        LOWEST_PRIORITY,
      ),
    ),
  );
  const lost = Math.max(...routers.map(lossesInRowMax));
  const hearMs = (lost + 1) * intervalMs + latenessMs + network.delayMaxMs;
  const preemptDelayMs = Math.max(...routers.flatMap((router) => router.preemptDelaysMs));
  return DRIFT * (network.delayMaxMs + 2 * (downMs + latenessMs) + 3 * hearMs + preemptDelayMs);
}
