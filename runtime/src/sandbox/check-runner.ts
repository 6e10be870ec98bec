/** One configured check: when it runs, and what its results come to after rise and fall. */
import { gridBefore, nextDue } from "../health/schedule.ts";
import { createTracker, record } from "../health/tracker.ts";
import type { Capabilities } from "./capabilities.ts";
import type { InvocationResult } from "./invocation.ts";
import type { PluginRunner } from "./plugin-runner.ts";
import type { CheckReport, CheckSpec, Outcome, SandboxToDaemon } from "./protocol.ts";

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface CheckRunnerOptions {
  readonly spec: CheckSpec;
  readonly capabilities: Capabilities;
  readonly runner: PluginRunner;
  readonly send: (message: SandboxToDaemon) => void;
}

export class CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #outcomes: Record<Outcome, number> = {
    up: 0,
    down: 0,
    "timed out": 0,
    "out of memory": 0,
    error: 0,
  };
  #tracker;
  #reason = "";
  #last: (InvocationResult & { readonly atMs: number }) | undefined;
  #runs = 0;
  #skipped = 0;
  /** Whether its last invocation did not judge, and its state was held. */
  #holding = false;
  /** Whether the daemon has heard from this host what the check says. */
  #told = false;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
    this.#tracker = createTracker(options.spec.initialState);
  }

  /** Runs at once, and from then on its grid. @param index the check's number in this host. */
  start(index: number): void {
    void this.#cycle(gridBefore(performance.now(), index, this.#options.spec.intervalMs));
  }

  report(nowMs: number): CheckReport {
    const last = this.#last;
    return {
      check: this.#options.spec.name,
      state: this.#tracker.state,
      reason: this.#reason,
      last:
        last === undefined
          ? undefined
          : {
              outcome: last.outcome,
              reason: last.reason,
              durationMs: last.durationMs,
              cpuMs: last.cpuMs,
              agoMs: nowMs - last.atMs,
            },
      runs: this.#runs,
      outcomes: this.#outcomes,
      skipped: this.#skipped,
      denied: this.#options.capabilities.denied(),
    };
  }

  async #cycle(dueMs: number): Promise<void> {
    this.#take(await this.#options.runner.run());
    const next = nextDue(dueMs, this.#options.spec.intervalMs, performance.now());
    this.#skipped += next.skipped;
    setTimeout(
      () => void this.#cycle(next.atMs),
      Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(next.atMs - performance.now()))),
    );
  }

  #take(result: InvocationResult): void {
    const { spec, send } = this.#options;
    const { reason } = result;
    this.#runs++;
    this.#outcomes[result.outcome]++;
    this.#last = { ...result, atMs: performance.now() };
    const before = this.#tracker.state;
    const judged = result.outcome === "up" || result.outcome === "down";
    if (!judged && spec.onFault === "hold" && before !== "unknown") {
      const message = `${result.outcome}: ${reason}; it holds its state, ${before}`;
      // Once, until it judges again.
      if (!this.#holding) send({ type: "log", plugin: spec.name, level: "warn", message });
      this.#holding = true;
      return;
    }
    this.#holding = false;
    this.#tracker = record(this.#tracker, result.outcome === "up", spec);
    const { state } = this.#tracker;
    if (result.outcome !== "up" || state === "up") this.#reason = reason;
    if (state === "unknown" || (this.#told && state === before)) return;
    this.#told = true;
    send({ type: "state", check: spec.name, state, reason: this.#reason });
  }
}
