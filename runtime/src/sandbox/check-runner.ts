/** One configured check: when it runs, and what its results come to after rise and fall. */
import { putOffMs } from "../health/fault-backoff.ts";
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
  /** It has run once more. */
  readonly onRun: () => void;
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
  #reason;
  #last: (InvocationResult & { readonly atMs: number }) | undefined;
  #runs = 0;
  #skipped = 0;
  /** Whether its last invocation did not judge, and its state was held. */
  #holding = false;
  /** Whether the daemon has heard from this host what the check says. */
  #told = false;

  #faults: number;
  /** When it runs next, where that was put off. */
  #putOffUntilMs = 0;
  #toldWeight: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;
  #running = false;
  #again = false;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
    this.#faults = options.spec.faults;
    this.#tracker = createTracker(options.spec.initialState);
    this.#reason = options.spec.initialState === "unknown" ? "it has not run yet" : "";
  }

  /** Runs at once, unless it is to wait or is backed off, and from then on its grid. @param index the check's number in this host. */
  start(index: number): void {
    const { intervalMs, startDelayMs } = this.#options.spec;
    const nowMs = performance.now();
    this.#dueMs = gridBefore(nowMs + startDelayMs, index, intervalMs);
    if (startDelayMs > 0) this.#runAfter(startDelayMs);
    else if (this.#faults === 0) void this.#cycle(this.#dueMs);
    else this.#wait(this.#dueMs);
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
      faults: this.#faults,
      backsOffMs: Math.max(0, this.#putOffUntilMs - nowMs),
      denied: this.#options.capabilities.denied(),
      metrics: this.#options.capabilities.metrics(),
    };
  }

  /** Runs now rather than when it is due; once more where it runs already, since that may have looked too early. */
  wake(): void {
    if (this.#running) this.#again = true;
    else if (this.#putOffUntilMs === 0) {
      clearTimeout(this.#timer);
      void this.#cycle(this.#dueMs);
    }
  }

  async #cycle(dueMs: number): Promise<void> {
    this.#running = true;
    do {
      this.#again = false;
      this.#take(await this.#options.runner.run());
      this.#options.onRun();
    } while (this.#again);
    this.#running = false;
    this.#wait(dueMs);
  }

  #wait(dueMs: number): void {
    const { intervalMs, retryDelayMs } = this.#options.spec;
    if (retryDelayMs !== undefined && this.#faults === 0 && this.#tracker.against > 0)
      return this.#retry(dueMs, retryDelayMs);
    const next = nextDue(dueMs, intervalMs, performance.now());
    this.#skipped += next.skipped;
    const putOff = putOffMs(this.#faults, intervalMs);
    const atMs = next.atMs + putOff;
    this.#putOffUntilMs = putOff === 0 ? 0 : atMs;
    // The grid that it was on, also when it was woken before its time.
    this.#dueMs = dueMs;
    this.#timer = setTimeout(
      () => void this.#cycle(atMs),
      Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(atMs - performance.now()))),
    );
  }

  /** Runs again before it is due. */
  #retry(dueMs: number, afterMs: number): void {
    const { intervalMs } = this.#options.spec;
    this.#dueMs = dueMs + intervalMs * Math.floor((performance.now() - dueMs) / intervalMs);
    this.#runAfter(afterMs);
  }

  /** Outside of its grid, which stays what it is. */
  #runAfter(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#cycle(this.#dueMs), Math.min(TIMER_MS_MAX, delayMs));
  }

  #take(result: InvocationResult): void {
    const { spec, send } = this.#options;
    const { reason } = result;
    this.#runs++;
    this.#outcomes[result.outcome]++;
    this.#countFault(result);
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
    const weight = state === "up" ? result.weight : undefined;
    // What a failure below `fall` says nothing about stays as it was.
    const sameWeight = result.outcome !== "up" || weight === this.#toldWeight;
    if (state === "unknown" || (this.#told && state === before && sameWeight)) return;
    this.#told = true;
    this.#toldWeight = weight;
    send({
      type: "state",
      check: spec.name,
      state,
      weight: weight ?? null,
      reason: this.#reason,
    });
  }

  #countFault({ ownFault, reason }: InvocationResult): void {
    const { spec, send } = this.#options;
    const before = putOffMs(this.#faults, spec.intervalMs);
    this.#faults = ownFault ? this.#faults + 1 : 0;
    const after = putOffMs(this.#faults, spec.intervalMs);
    if (after > 0 && before === 0)
      send({
        type: "log",
        plugin: spec.name,
        level: "error",
        message: `failed by its own fault ${this.#faults} times in a row, and runs less often until it succeeds: ${reason}`,
      });
  }
}
