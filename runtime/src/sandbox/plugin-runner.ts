/** One configured plugin, check or notifier: the context it runs in, and its invocations. */
import { relative } from "node:path";
import { singleLine } from "../single-line.ts";
import type { Capabilities } from "./capabilities.ts";
import type { InvocationResult } from "./invocation.ts";
import { invoke, outcomeOf } from "./invocation.ts";
import type { GuestContext, PluginIsolate } from "./isolate.ts";
import type { CheckTarget, JsonValue, PluginBundle } from "./protocol.ts";
import { createSemaphore } from "./semaphore.ts";
import { originOf } from "./source-map.ts";

const REASON_CHARACTERS_MAX = 500;
/** An invocation that is not over so long after its limit never will be. */
const STUCK_MS = 150;
/** Times that an invocation starts again because a sibling had the isolate ended under it. */
const ATTEMPTS_MAX = 3;

/** An invocation's own clock comes first where it can run. */
const LATE_MS = 20;
/** Cold starts that are under way at a time. The others wait for their turn, which is no fault of theirs. */
const coldStarts = createSemaphore(Math.max(2, navigator.hardwareConcurrency));
const NOT_JUDGED = { weight: undefined, ownFault: true, cpuMs: 0 } as const;

export interface PluginRunnerOptions {
  readonly name: string;
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly target: CheckTarget | null;
  readonly timeoutMs: number;
  /** Of CPU time; undefined: the usual. */
  readonly cpuMsMax?: number | undefined;
  readonly capabilities: Capabilities;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** An isolate of the bundle to have a context in; another one once that was ended, since what ran too long is not used again. */
  readonly isolate: () => PluginIsolate;
  readonly onStuck: (reason: string) => void;
}

export class PluginRunner {
  readonly #options: PluginRunnerOptions;
  #attempts = 0;
  #place: { readonly isolate: PluginIsolate; readonly context: GuestContext } | undefined;

  constructor(options: PluginRunnerOptions) {
    this.#options = options;
  }

  /**
   * One invocation, or another one where the isolate was ended under it by a plugin that shares it. Never rejects.
   *
   * @param event what a notifier is told; null for a check.
   */
  async run(event: JsonValue = null): Promise<InvocationResult> {
    for (let attempts = 1; ; attempts++) {
      const isolate =
        this.#place?.isolate.usable === true ? this.#place.isolate : this.#options.isolate();
      const result = await this.#attempt(isolate, event);
      if (isolate.lost) this.#stuck();
      // What waited in vain has left nothing running.
      if (result.outcome === "timed out" && result.ownFault) isolate.dispose();
      if (result.outcome !== "out of memory" || !isolate.ended || attempts === ATTEMPTS_MAX)
        return result.reason === "" ? result : { ...result, reason: this.#said(result.reason) };
    }
  }

  #said(reason: string): string {
    const line = singleLine(reason.slice(0, 4 * REASON_CHARACTERS_MAX));
    return this.#options.redact(line).slice(0, REASON_CHARACTERS_MAX);
  }

  async #attempt(isolate: PluginIsolate, event: JsonValue): Promise<InvocationResult> {
    const { options, target, timeoutMs, cpuMsMax, capabilities } = this.#options;
    let topLevelMs = 0;
    if (this.#place?.isolate !== isolate) {
      const failure = await coldStarts.run(async () => {
        const started = await this.#coldStart(isolate);
        if (typeof started !== "number") return started;
        topLevelMs = started;
        return undefined;
      });
      if (failure !== undefined) return failure;
    }
    if (this.#place === undefined) throw new Error("a cold start left neither place nor failure");
    return invoke({
      isolate,
      context: this.#place.context,
      run: ++this.#attempts,
      options,
      event,
      target,
      counts: capabilities.counts(),
      timeoutMs: Math.max(1, timeoutMs - topLevelMs),
      cpuMsMax,
      perform: capabilities.perform,
      explain: (message, stack) => this.#explain(message, stack),
      onStuck: () => this.#stuck(),
    });
  }

  /** Makes the context. @returns how long the plugin's top level took, or what failed; our own part is at nobody's cost. */
  async #coldStart(isolate: PluginIsolate): Promise<number | InvocationResult> {
    const { name, timeoutMs } = this.#options;
    let startedAtMs = performance.now();
    try {
      const context = await isolate.createContext(name);
      startedAtMs = performance.now();
      const result = await this.#within(
        isolate,
        context.topLevel(timeoutMs).then(() => undefined),
      );
      if (result !== undefined) return result;
      this.#place = { isolate, context };
      return performance.now() - startedAtMs;
    } catch (error) {
      return this.#topLevelFailure(error, performance.now() - startedAtMs);
    }
  }

  /** What it comes to, or that this takes too long: whatever a plugin does, it is reported then, and ended soon after. */
  async #within<T>(isolate: PluginIsolate, work: Promise<T>): Promise<T | InvocationResult> {
    const { timeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<InvocationResult>((resolve) => {
      timer = setTimeout(() => {
        const reason = `timed out after ${timeoutMs} ms`;
        resolve({ ...NOT_JUDGED, outcome: "timed out", reason, durationMs: timeoutMs });
        isolate.dispose();
        setTimeout(() => isolate.busy && this.#stuck(), STUCK_MS);
      }, timeoutMs + LATE_MS);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #stuck(): void {
    const { name, onStuck } = this.#options;
    onStuck(`${name} cannot be ended`);
  }

  #topLevelFailure(error: unknown, durationMs: number): InvocationResult {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const outcome = outcomeOf(message);
    const reason =
      outcome === "error"
        ? this.#explain(message, stack)
        : `${outcome} at the top level of the module`;
    return { ...NOT_JUDGED, outcome, reason, durationMs };
  }

  #explain(message: string, stack: string): string {
    const { bundle } = this.#options;
    const place = originOf(bundle, stack);
    return place === undefined
      ? message
      : `${message} (${shorten(place.file, bundle.file)}:${place.line}:${place.column})`;
  }
}

/** The plugin's own file by its name, another one by its way from there. */
function shorten(file: string, plugin: string): string {
  const path = relative(plugin.slice(0, plugin.lastIndexOf("/")), file);
  return path.startsWith("..") ? file : path;
}
