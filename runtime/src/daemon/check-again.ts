/** Has a check run before it is due, and waits until it has: a sandbox host tells by itself only what changes. */
import { setTimeout as pause } from "node:timers/promises";
import type { CheckReport } from "../sandbox/protocol.ts";

const FIRST_LOOK_MS = 20;
const LOOK_MS_MAX = 500;
/** An invocation may begin late, and is ended a little after its time. */
const MARGIN_MS = 1000;

export interface AgainOptions {
  readonly check: string;
  readonly timeoutMs: number;
  readonly wake: (check: string) => void;
  readonly report: () => Promise<readonly CheckReport[]>;
}

/** Resolves when the check has run since, or should have. What it came to was told before, if that is a change. */
export async function checkAgain({ check, timeoutMs, wake, report }: AgainOptions): Promise<void> {
  const startedMs = performance.now();
  const elapsed = (): number => performance.now() - startedMs;
  wake(check);
  for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LOOK_MS_MAX, 2 * lookMs)) {
    await pause(lookMs, undefined, { ref: false });
    const askedMs = elapsed();
    const found = (await report()).find((entry) => entry.check === check);
    if (found?.last !== undefined && found.last.agoMs < askedMs) return;
    if (elapsed() > timeoutMs + MARGIN_MS) return;
  }
}
