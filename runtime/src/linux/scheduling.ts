/** The real-time scheduling class (sched(7)). */
import { readdirSync } from "node:fs";
import { setScheduler, uint32 } from "./libc.ts";

const SCHED_RR = 2;
const PRIORITY = 50;

/**
 * Puts every thread of this process under SCHED_RR; threads that these start inherit it. All of them: a main thread that
 * waits for a garbage collector's helper of ordinary class would be worse off than before.
 *
 * @returns the class that the process has now.
 */
export function requestRealTime(): "SCHED_RR" | "SCHED_OTHER" {
  const parameter = uint32(PRIORITY);
  const refused = readdirSync("/proc/self/task").filter(
    (thread) => setScheduler(Number(thread), SCHED_RR, parameter) !== 0,
  );
  return refused.length === 0 ? "SCHED_RR" : "SCHED_OTHER";
}
