/**
 * One invocation of a plugin: entered, resumed with each answer of a capability, and ended by its result or its
 * deadline, whichever comes first. The deadline is one of wall time and one of CPU time; both hold after an await.
 */
import type { Outcome } from "./protocol.ts";
import type { GuestMessage, HostAnswer } from "./guest-protocol.ts";
import type { GuestContext, PluginIsolate } from "./isolate.ts";

/** CPU time that one invocation may take, whatever its timeout. */
const CPU_MS_MAX = 1000;
/** What the guest's own code never exceeds; who does is after the time of this process. */
const MESSAGES_MAX = 1000;
const STACK_CHARACTERS_MAX = 4000;
/** An isolate that is still busy so long after its deadline obeys no limit: only the end of the process ends it. */
const GRACE_MS = 100;

export interface InvocationOptions {
  readonly isolate: PluginIsolate;
  readonly context: GuestContext;
  readonly run: number;
  readonly options: unknown;
  /** What a notifier is told; null for a check. */
  readonly event: unknown;
  /** Process counts that the plugin may know, taken now: most checks ask nothing else, and need not come back for it. */
  readonly counts: Readonly<Record<string, number>>;
  readonly timeoutMs: number;
  readonly perform: (
    capability: string,
    argument: unknown,
    signal: AbortSignal,
    /** Aborted when the invocation ends. */
    invocation: AbortSignal,
  ) => Promise<unknown> | undefined;
  /** A stack of the guest in words for a person. */
  readonly explain: (message: string, stack: string) => string;
  /** The isolate cannot be stopped. */
  readonly onStuck: () => void;
}

export interface InvocationResult {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly durationMs: number;
  readonly cpuMs: number;
}

/** What an error of isolated-vm means: which limit was reached, or none. */
export function outcomeOf(message: string): "timed out" | "out of memory" | "error" {
  if (/execution timed out/i.test(message)) return "timed out";
  return /memory limit|isolated? (?:was|is) (?:already )?disposed|array buffer allocation failed/i.test(
    message,
  )
    ? "out of memory"
    : "error";
}

/** Runs it to its end. Never rejects. After anything but "up", "down" and "error" the isolate must not be used again. */
export function invoke(options: InvocationOptions): Promise<InvocationResult> {
  const { isolate, context, run, timeoutMs } = options;
  const startedAtMs = performance.now();
  const deadlineMs = startedAtMs + timeoutMs;
  const calls = new Map<number, AbortController>();
  const invocation = new AbortController();
  let answers: HostAnswer[] = [];
  let cpuMs = 0;
  let inside = 0;
  let settled = false;

  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      settle("timed out", `timed out after ${Math.round(timeoutMs)} ms`);
      if (inside > 0) setTimeout(() => inside > 0 && options.onStuck(), GRACE_MS);
    }, timeoutMs);

    function settle(outcome: Outcome, reason: string): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      for (const call of calls.values()) call.abort();
      calls.clear();
      invocation.abort();
      resolve({ outcome, reason, durationMs: performance.now() - startedAtMs, cpuMs });
    }

    async function enter(entry: GuestContext["start"], text: string): Promise<void> {
      inside++;
      try {
        const left = (): number =>
          settled
            ? 0
            : Math.min(deadlineMs - performance.now(), Math.min(CPU_MS_MAX, timeoutMs) - cpuMs);
        const slice = await isolate.enter(entry, text, context.drain, left);
        cpuMs += slice.cpuMs;
        if (slice.outbox === "") return;
        const messages = JSON.parse(slice.outbox) as GuestMessage[];
        if (messages.length > MESSAGES_MAX)
          throw new Error("the plugin sent more than the sandbox passes on");
        for (const message of messages) handle(message);
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error));
      } finally {
        inside--;
      }
    }

    function fail(message: string): void {
      const outcome = isolate.usable ? outcomeOf(message) : "out of memory";
      if (outcome === "timed out") {
        settle(outcome, `timed out after ${Math.round(performance.now() - startedAtMs)} ms`);
      } else settle(outcome, outcome === "error" ? message : outcome);
    }

    function handle(message: GuestMessage): void {
      if (settled) return;
      switch (message.type) {
        case "result":
          if (message.run !== run) return;
          return message.down === null ? settle("up", "") : settle("down", String(message.down));
        case "error":
          return message.run === run
            ? settle(
                "error",
                options.explain(
                  String(message.message),
                  String(message.stack).slice(0, STACK_CHARACTERS_MAX),
                ),
              )
            : undefined;
        case "cancel":
          calls.get(message.id)?.abort();
          calls.delete(message.id);
          return;
        case "call":
          return begin(message.id, message.capability, message.argument);
      }
    }

    function begin(id: number, capability: string, argument: unknown): void {
      // The one before could not be called off any more.
      if (calls.has(id)) throw new Error("the plugin made two requests with one number");
      const call = new AbortController();
      const work = options.perform(capability, argument, call.signal, invocation.signal);
      if (work === undefined) return;
      calls.set(id, call);
      work.then(
        (value) => answer(id, { id, value }),
        (error: unknown) =>
          answer(id, { id, error: error instanceof Error ? error.message : String(error) }),
      );
    }

    /** Answers that come in the same turn of the loop travel together. */
    function answer(id: number, given: HostAnswer): void {
      if (settled || !calls.delete(id)) return;
      answers.push(given);
      if (answers.length > 1) return;
      queueMicrotask(() => {
        const text = JSON.stringify(answers);
        answers = [];
        void enter(context.resume, text);
      });
    }

    void enter(
      context.start,
      JSON.stringify({
        run,
        options: options.options,
        counts: options.counts,
        event: options.event,
      }),
    );
  });
}
