/**
 * A sandbox host for the author of a plugin: behind the same walls as the daemon's, but it runs what it is told, once. Like
 * the daemon, who holds it does not trust what it says.
 */
import * as z from "zod";
import { parseSandboxMessage } from "../daemon/sandbox-messages.ts";
import { jsonLines } from "../json-lines.ts";
import { singleLine } from "../single-line.ts";
import type {
  DaemonToSandbox,
  InvokedSpec,
  JsonValue,
  PluginBundle,
  PluginError,
  PrivilegedRequest,
  PrivilegedResult,
  SandboxToDaemon,
  TracedInvocation,
} from "../sandbox/protocol.ts";
import type { HostProcess } from "./host-process.ts";
import type { Inspector } from "./inspector.ts";

const EVALUATION_MS_MAX = 10_000;
/** An invocation that is not over so long after its limit never will be. */
const SILENT_MS_MAX = 3000;

export type Evaluated =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly error: PluginError };

/** What an invocation comes to whose host is gone. */
type LostOutcome = "error" | "out of memory";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

export interface DevelopmentHost {
  /** The files that its plugins can be granted. */
  readonly readable: readonly string[];
  /** Whether its process runs; one that a plugin cannot be ended in is ended as a whole. */
  readonly alive: () => boolean;
  /** Runs a module's top level. Never rejects. */
  evaluate(bundle: PluginBundle): Promise<Evaluated>;
  /**
   * Runs a plugin once. Never rejects: the end of the host is a fault of the plugin.
   *
   * @param inspector of a plugin that is to be inspected; it runs when its debugger is there.
   */
  invoke(plugin: InvokedSpec, event: JsonValue, inspector?: Inspector): Promise<TracedInvocation>;
  /** Resolves when its process is gone. */
  stop(): Promise<void>;
}

export interface DevelopmentHostOptions {
  readonly onLog: (line: LogLine) => void;
  readonly perform: (request: PrivilegedRequest, signal: AbortSignal) => Promise<PrivilegedResult>;
}

const milliseconds = z.number().nonnegative();
/** What is printed: no word of the host's moves the cursor of a terminal. */
const text = z.string().max(2000).transform(singleLine);
const evaluated: z.ZodType<Extract<SandboxToDaemon, { type: "evaluated" }>> = z.strictObject({
  type: z.literal("evaluated"),
  id: z.int(),
  result: z.union([
    z.strictObject({ ok: z.literal(true), value: z.json() }),
    z.strictObject({
      ok: z.literal(false),
      error: z.strictObject({
        message: z.string().transform(singleLine),
        file: z.string().exactOptional(),
        line: z.int().exactOptional(),
        column: z.int().exactOptional(),
      }),
    }),
  ]),
});
const invoked: z.ZodType<Extract<SandboxToDaemon, { type: "invoked" }>> = z.strictObject({
  type: z.literal("invoked"),
  id: z.int(),
  invocation: z.strictObject({
    outcome: z.enum(["up", "down", "timed out", "out of memory", "error"]),
    reason: text,
    weight: z.int().min(-253).max(253).nullable(),
    durationMs: milliseconds,
    cpuMs: milliseconds,
    memoryBytes: z.number().nonnegative(),
    calls: z
      .array(
        z.strictObject({
          name: text,
          argument: text,
          atMs: milliseconds,
          durationMs: milliseconds.nullable(),
          result: text.nullable(),
          error: text.nullable(),
          denied: z.boolean(),
        }),
      )
      .max(1000),
    callsLeftOut: z.int().nonnegative(),
    metrics: z
      .array(
        z.strictObject({
          name: text,
          type: z.enum(["gauge", "counter"]),
          labels: z.record(text, text),
          value: z.number(),
        }),
      )
      .max(100),
  }),
});
const answer = z.union([evaluated, invoked]);
const inspected: z.ZodType<Extract<SandboxToDaemon, { type: "inspected" }>> = z.strictObject({
  type: z.literal("inspected"),
  message: z.string(),
});

/** Takes over a process; it is ready when it answers. */
export function createDevelopmentHost(
  process: HostProcess,
  options: DevelopmentHostOptions,
): DevelopmentHost {
  const { child, channel, complaint } = process;
  /** Questions without an answer, by their number. */
  const asked = new Map<
    number,
    {
      readonly answer: (message: unknown) => void;
      readonly fail: (reason: string, outcome: LostOutcome) => void;
    }
  >();
  const performing = new Map<number, AbortController>();
  let inspector: Inspector | undefined;
  let nextId = 1;
  let ended = false;

  const lines = jsonLines<DaemonToSandbox>(channel, receive, (reason) => {
    if (reason !== undefined) end(`the sandbox host's messages broke off: ${reason}`);
  });
  child.on("error", (error) => end(`the sandbox host could not be started: ${error.message}`));
  child.on("close", (status, signal) =>
    // Nobody else kills it but the kernel, for its memory.
    signal === "SIGKILL"
      ? end("out of memory: it took its sandbox host with it", "out of memory")
      : end(`the sandbox host ended (${signal ?? `status ${status}`}): ${complaint()}`),
  );

  function end(reason: string, outcome: LostOutcome = "error"): void {
    if (ended) return;
    ended = true;
    lines.close();
    void process.stop();
    for (const abort of performing.values()) abort.abort();
    for (const { fail } of asked.values()) fail(reason, outcome);
    asked.clear();
  }

  function receive(raw: unknown): void {
    const answered = answer.safeParse(raw);
    if (answered.success) {
      asked.get(answered.data.id)?.answer(answered.data);
      asked.delete(answered.data.id);
      return;
    }
    const forDebugger = inspected.safeParse(raw);
    if (forDebugger.success) return inspector?.send(forDebugger.data.message);
    const message = parseSandboxMessage(raw);
    switch (message?.type) {
      case undefined:
        return end("the sandbox host sent a message that no sandbox host may send");
      case "log":
        return options.onLog({ level: message.level, message: singleLine(message.message) });
      case "request":
        return void perform(message.id, message.request);
      case "cancel":
        return performing.get(message.id)?.abort();
      case "recycle":
        return end(message.reason);
      default:
    }
  }

  async function perform(id: number, request: PrivilegedRequest): Promise<void> {
    const abort = new AbortController();
    performing.set(id, abort);
    const result = await options.perform(request, abort.signal);
    performing.delete(id);
    lines.send({ type: "answer", id, result });
  }

  function ask<T>(
    question: (id: number) => DaemonToSandbox,
    /** Undefined where a person may take their time. */
    limitMs: number | undefined,
    failed: (reason: string, outcome: LostOutcome) => T,
  ): Promise<T> {
    return new Promise((resolve) => {
      if (ended) return resolve(failed("the sandbox host has ended", "error"));
      const id = nextId++;
      const timer =
        limitMs === undefined
          ? undefined
          : setTimeout(() => end(`the sandbox host did not answer within ${limitMs} ms`), limitMs);
      const settle = (value: T): void => {
        clearTimeout(timer);
        resolve(value);
      };
      asked.set(id, {
        answer: (message) => settle(message as T),
        fail: (reason, outcome) => settle(failed(reason, outcome)),
      });
      lines.send(question(id));
    });
  }

  return {
    readable: process.readable,
    alive: () => !ended,
    async evaluate(bundle) {
      const { result } = await ask<{ readonly result: Evaluated }>(
        (id) => ({ type: "evaluate", id, bundle, environment: {} }),
        EVALUATION_MS_MAX,
        (message) => ({ result: { ok: false, error: { message } } }),
      );
      return result;
    },
    async invoke(plugin, event, given) {
      inspector = given;
      if (given !== undefined)
        given.onMessage = (message) => void lines.send({ type: "inspect", message });
      const startedAtMs = performance.now();
      const { invocation } = await ask<{ readonly invocation: TracedInvocation }>(
        (id) => ({ type: "invoke", id, plugin, event }),
        plugin.inspected ? undefined : plugin.timeoutMs + SILENT_MS_MAX,
        (reason, outcome) => ({
          invocation: lostInvocation(outcome, reason, performance.now() - startedAtMs),
        }),
      );
      return invocation;
    },
    stop() {
      end("it was stopped");
      return process.stop();
    },
  };
}

/** What an invocation came to that took its host with it. */
function lostInvocation(
  outcome: LostOutcome,
  reason: string,
  durationMs: number,
): TracedInvocation {
  return {
    outcome,
    reason,
    weight: null,
    durationMs,
    cpuMs: 0,
    memoryBytes: 0,
    calls: [],
    callsLeftOut: 0,
    metrics: [],
  };
}
