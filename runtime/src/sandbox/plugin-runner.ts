/** One configured plugin, check or notifier: the context it runs in, and its invocations. */
import { relative } from "node:path";
import type { Capabilities } from "./capabilities.ts";
import { singleLine } from "./capabilities.ts";
import type { InvocationResult } from "./invocation.ts";
import { invoke, outcomeOf } from "./invocation.ts";
import type { GuestContext, PluginIsolate } from "./isolate.ts";
import type { JsonValue, PluginBundle } from "./protocol.ts";
import { originOf } from "./source-map.ts";

const REASON_CHARACTERS_MAX = 500;
/** What a top level may take beyond its limit, which holds for its first turn only. */
const TOP_LEVEL_GRACE_MS = 100;
/** Beyond twice its limit a plugin that has not ended, whatever the reason, never will. */
const STUCK_MS = 1000;

export interface PluginRunnerOptions {
  readonly name: string;
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly timeoutMs: number;
  readonly capabilities: Capabilities;
  /** The isolate of the bundle; another one once that was ended, since what ran too long is not used again. */
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
    const { name, timeoutMs, onStuck } = this.#options;
    const stuck = (): void => onStuck(`${name} cannot be ended`);
    const watch = setTimeout(stuck, 2 * timeoutMs + STUCK_MS);
    try {
      for (;;) {
        const isolate = this.#options.isolate();
        const result = await this.#attempt(isolate, event, stuck);
        if (result.outcome === "timed out") isolate.dispose();
        if (result.outcome !== "out of memory" || !isolate.ended)
          return {
            ...result,
            reason: singleLine(result.reason).slice(0, REASON_CHARACTERS_MAX),
          };
      }
    } finally {
      clearTimeout(watch);
    }
  }

  async #attempt(
    isolate: PluginIsolate,
    event: JsonValue,
    stuck: () => void,
  ): Promise<InvocationResult> {
    const { options, timeoutMs, capabilities } = this.#options;
    const startedAtMs = performance.now();
    try {
      if (this.#place?.isolate !== isolate) {
        // What the engine does behind a top level obeys no limit: whoever waits for it would never be judged.
        const limitMs = timeoutMs + TOP_LEVEL_GRACE_MS;
        const context = await within(limitMs, isolate.createContext(timeoutMs));
        if (context === undefined) {
          setImmediate(stuck);
          const durationMs = performance.now() - startedAtMs;
          const reason = "timed out at the top level of the module";
          return { outcome: "timed out", reason, durationMs, cpuMs: 0 };
        }
        this.#place = { isolate, context };
      }
    } catch (error) {
      return this.#topLevelFailure(error, performance.now() - startedAtMs);
    }
    return invoke({
      isolate,
      context: this.#place.context,
      run: ++this.#attempts,
      options,
      event,
      counts: capabilities.counts(),
      timeoutMs: Math.max(1, timeoutMs - (performance.now() - startedAtMs)),
      perform: capabilities.perform,
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

  #explain(message: string, stack: string): string {
    const { bundle } = this.#options;
    const place = originOf(bundle, stack);
    return place === undefined
      ? message
      : `${message} (${shorten(place.file, bundle.file)}:${place.line}:${place.column})`;
  }
}

/** What it comes to; undefined when it takes longer. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The plugin's own file by its name, another one by its way from there. */
function shorten(file: string, plugin: string): string {
  const path = relative(plugin.slice(0, plugin.lastIndexOf("/")), file);
  return path.startsWith("..") ? file : path;
}
