/** One step as the client lives through it: who answers before, what happens, who answers after, and the gap between. */
import { delay, now } from "@karuntime/lab/time.ts";
import type { Bound } from "./bounds.ts";
import { BUSY_MACHINE } from "./bounds.ts";
import type { Fact, Verdict } from "./report.ts";
import type { Stage } from "./stage.ts";

/** For whatever is waited for; reached only when something is broken. */
export const DEADLINE_MS = 30_000;
/** After the expected has come about: does it last? A little more than an advertisement. */
const SETTLE_MS = 1500;

export type Outcome = Omit<Verdict, "title" | "passed">;

export interface Script {
  /** The longest outage that the timers allow; the allowance for a busy machine is added here. */
  readonly allowed: Bound;
  readonly event: () => Promise<void>;
  readonly until: () => Promise<void>;
  /** Looked at when things have settled. `sinceMs` is just before the event. */
  readonly facts: (sinceMs: number) => Promise<readonly Fact[]>;
}

export async function observe(stage: Stage, script: Script): Promise<Outcome> {
  const { probe } = stage;
  const sinceMs = now();
  const before = lastAnswer(stage);
  await script.event();
  await script.until();
  await delay(SETTLE_MS);
  const outage = probe.outage(sinceMs);
  const facts = await script.facts(sinceMs);
  return {
    outageMs: outage.ms,
    allowed: [...script.allowed, ...BUSY_MACHINE],
    before,
    after: lastAnswer(stage),
    facts,
  };
}

function lastAnswer(stage: Stage): string {
  const last = stage.probe.attempts.findLast((attempt) => attempt.answer !== undefined);
  return last?.answer ?? "nobody";
}
