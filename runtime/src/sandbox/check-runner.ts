/** One configured check: when it runs, in which context, what its results come to after rise and fall. */
import { relative } from "node:path";
import { gridBefore, nextDue } from "../health/schedule.ts";
import { createTracker, record } from "../health/tracker.ts";
import type { Capabilities } from "./capabilities.ts";
import { singleLine } from "./capabilities.ts";
import type { InvocationResult } from "./invocation.ts";
import { invoke, outcomeOf } from "./invocation.ts";
import type { GuestContext, PluginIsolate } from "./isolate.ts";
import type { CheckReport, CheckSpec, Outcome, SandboxToDaemon } from "./protocol.ts";
import { originOf } from "./source-map.ts";

const REASON_CHARACTERS_MAX = 500;
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Beyond twice its limit a check that has not ended, whatever the reason, never will. */
const STUCK_MS = 1000;

export interface CheckRunnerOptions {
  readonly spec: CheckSpec;
  readonly capabilities: Capabilities;
  /** The isolate of the check's bundle; another one once that was ended, since what ran too long is not used again. */
  readonly isolate: () => PluginIsolate;
  readonly send: (message: SandboxToDaemon) => void;
  readonly onStuck: (reason: string) => void;
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
  #attempts = 0;
  #skipped = 0;
  #place: { readonly isolate: PluginIsolate; readonly context: GuestContext } | undefined;
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
    this.#take(await this.#run());
    const next = nextDue(dueMs, this.#options.spec.intervalMs, performance.now());
    this.#skipped += next.skipped;
    setTimeout(
      () => void this.#cycle(next.atMs),
      Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(next.atMs - performance.now()))),
    );
  }

  /** One invocation, or another one where the isolate was ended under it by a check that shares it. */
  async #run(): Promise<InvocationResult> {
    const { spec, onStuck } = this.#options;
    const stuck = (): void => onStuck(`the check ${spec.name} cannot be ended`);
    const watch = setTimeout(stuck, 2 * spec.timeoutMs + STUCK_MS);
    try {
      for (;;) {
        const isolate = this.#options.isolate();
        const result = await this.#attempt(isolate, stuck);
        if (result.outcome === "timed out") isolate.dispose();
        if (result.outcome !== "out of memory" || !isolate.ended) return result;
      }
    } finally {
      clearTimeout(watch);
    }
  }

  async #attempt(isolate: PluginIsolate, stuck: () => void): Promise<InvocationResult> {
    const { spec, capabilities } = this.#options;
    const startedAtMs = performance.now();
    try {
      if (this.#place?.isolate !== isolate) {
        this.#place = { isolate, context: await isolate.createContext(spec.timeoutMs) };
      }
    } catch (error) {
      return this.#topLevelFailure(error, performance.now() - startedAtMs);
    }
    return invoke({
      isolate,
      context: this.#place.context,
      run: ++this.#attempts,
      options: spec.options,
      counts: capabilities.counts(),
      timeoutMs: Math.max(1, spec.timeoutMs - (performance.now() - startedAtMs)),
      perform: (capability, argument, signal) => capabilities.perform(capability, argument, signal),
      explain: (message, stack) => this.#explain(message, stack),
      onStuck: stuck,
    });
  }

  #topLevelFailure(error: unknown, durationMs: number): InvocationResult {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const outcome = outcomeOf(message);
    const reason =
      outcome === "error"
        ? this.#explain(message, stack)
        : `${outcome} at the top level of the module`;
    return { outcome, reason, durationMs, cpuMs: 0 };
  }

  #take(result: InvocationResult): void {
    const { spec, send } = this.#options;
    const reason = singleLine(result.reason).slice(0, REASON_CHARACTERS_MAX);
    this.#runs++;
    this.#outcomes[result.outcome]++;
    this.#last = { ...result, reason, atMs: performance.now() };
    const before = this.#tracker.state;
    this.#tracker = record(this.#tracker, result.outcome === "up", spec);
    const { state } = this.#tracker;
    if (result.outcome !== "up" || state === "up") this.#reason = reason;
    if (state === "unknown" || (this.#told && state === before)) return;
    this.#told = true;
    send({ type: "state", check: spec.name, state, reason: this.#reason });
  }

  #explain(message: string, stack: string): string {
    const place = originOf(this.#options.spec.bundle, stack);
    return place === undefined
      ? message
      : `${message} (${shorten(place.file, this.#options.spec.bundle.file)}:${place.line}:${place.column})`;
  }
}

/** The plugin's own file by its name, another one by its way from there. */
function shorten(file: string, plugin: string): string {
  const path = relative(plugin.slice(0, plugin.lastIndexOf("/")), file);
  return path.startsWith("..") ? file : path;
}
