/**
 * One invocation of a plugin: entered, resumed with each answer of a capability, and ended by its result or its
 * deadline, whichever comes first. The deadline is one of wall time and one of CPU time; both hold after an await.
 */
import type { Outcome } from "./protocol.ts";
import type { GuestMessage, HostAnswer } from "./guest-protocol.ts";
import type { GuestContext, PluginIsolate } from "./isolate.ts";

/** CPU time that one invocation may take, whatever its timeout, unless it is said. */
const CPU_MS_MAX = 1000;
/** What the guest's own code never exceeds; who does is after the time of this process. */
const MESSAGES_MAX = 1000;
const STACK_CHARACTERS_MAX = 4000;
/** An isolate that is still busy so long after its deadline obeys no limit: only the end of the process ends it. */
const GRACE_MS = 100;
/** Made once: an exception with a stack for each end would cost more than the end. */
const ENDED = new Error("the invocation has ended");
/** As for configured weights. */
const WEIGHT_MAX = 253;

export interface InvocationOptions {
  readonly isolate: PluginIsolate;
  readonly context: GuestContext;
  readonly run: number;
  readonly options: unknown;
  /** What a notifier is told; null for a check. */
  readonly event: unknown;
  /** What a checker is to look at; null for anything else. */
  readonly target: unknown;
  /** Process counts that the plugin may know, taken now: most checks ask nothing else, and need not come back for it. */
  readonly counts: Readonly<Record<string, number>>;
  readonly timeoutMs: number;
  readonly cpuMsMax?: number | undefined;
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
  /** What an up check adds to the priority instead of its configured weight. */
  readonly weight: number | undefined;
  /**
   * Whether it did not judge by its own doing: it burnt its time, filled its memory, returned nonsense. Not so an
   * exception, or a time limit reached while it waited for an answer: that may be what it is there to find.
   */
  readonly ownFault: boolean;
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

function isWeight(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= WEIGHT_MAX;
}

/** Runs it to its end. Never rejects. After anything but "up", "down" and "error" the isolate must not be used again. */
export function invoke(options: InvocationOptions): Promise<InvocationResult> {
  const { isolate, context, run, timeoutMs, cpuMsMax = CPU_MS_MAX } = options;
  const startedAtMs = performance.now();
  const deadlineMs = startedAtMs + timeoutMs;
  const calls = new Map<number, AbortController>();
  /** Made with the first call: most invocations make none, and it costs as much as a fifth of them. */
  let invocation: AbortController | undefined;
  let answers: HostAnswer[] = [];
  let cpuMs = 0;
  let entering = 0;
  /** Whether its own code runs now. */
  let inside = false;
  let settled = false;
  let draining: NodeJS.Immediate | undefined;

  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      settle("timed out", `timed out after ${Math.round(timeoutMs)} ms`, {
        ownFault: inside,
      });
      // It is disposed of now.
      if (inside) setTimeout(() => isolate.busy && options.onStuck(), GRACE_MS);
    }, timeoutMs);

    function settle(
      outcome: Outcome,
      reason: string,
      { ownFault = false, weight }: { ownFault?: boolean; weight?: number } = {},
    ): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      clearImmediate(draining);
      for (const call of calls.values()) call.abort(ENDED);
      calls.clear();
      invocation?.abort(ENDED);
      const durationMs = performance.now() - startedAtMs;
      resolve({ outcome, reason, weight, ownFault, durationMs, cpuMs });
    }

    async function enter(entry: "start" | "resume" | "drain", text: string): Promise<void> {
      entering++;
      clearImmediate(draining);
      draining = undefined;
      try {
        const left = (): number => {
          if (settled) return 0;
          inside = true;
          return Math.min(deadlineMs - performance.now(), Math.min(cpuMsMax, timeoutMs) - cpuMs);
        };
        const slice = await isolate.enter(context, entry, text, left);
        cpuMs += slice.cpuMs;
        const messages = slice.outbox === "" ? [] : (JSON.parse(slice.outbox) as GuestMessage[]);
        if (messages.length > MESSAGES_MAX)
          throw new Error("the plugin sent more than the sandbox passes on");
        for (const message of messages) handle(message);
      } catch (error) {
        fail(error instanceof Error ? error.message : String(error));
      } finally {
        inside = false;
        entering--;
      }
      if (settled || entering > 0 || answers.length > 0) return;
      // It may have gone on for a while after it gave its outbox away.
      if (entry !== "drain") draining = setImmediate(() => void enter("drain", ""));
      // A promise that nothing can settle any more: there is no use in waiting for its limit.
      else if (calls.size === 0)
        settle("error", "it waits for something that never comes", { ownFault: true });
    }

    function fail(message: string): void {
      const outcome = isolate.usable ? outcomeOf(message) : "out of memory";
      const reason =
        outcome === "timed out"
          ? `timed out after ${Math.round(performance.now() - startedAtMs)} ms`
          : outcome === "error"
            ? message
            : outcome;
      settle(outcome, reason, { ownFault: true });
    }

    function handle(message: GuestMessage): void {
      if (settled) return;
      switch (message.type) {
        case "result":
          return message.run === run ? judge(message.down, message.weight) : undefined;
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
          calls.get(message.id)?.abort(ENDED);
          calls.delete(message.id);
          return;
        case "call":
          return begin(message.id, message.capability, message.argument);
      }
    }

    function judge(down: unknown, weight: unknown): void {
      if (typeof down === "string") return settle("down", down);
      if (weight === null) return settle("up", "");
      if (isWeight(weight)) return settle("up", "", { weight });
      const found = String(weight).slice(0, 100);
      settle(
        "error",
        `found ${found} as the check's result, expected nothing, down(reason), or weight(n) with a whole number from -${WEIGHT_MAX} to ${WEIGHT_MAX}`,
        { ownFault: true },
      );
    }

    function begin(id: number, capability: string, argument: unknown): void {
      // The one before could not be called off any more.
      if (calls.has(id)) throw new Error("the plugin made two requests with one number");
      const call = new AbortController();
      invocation ??= new AbortController();
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
        void enter("resume", text);
      });
    }

    void enter(
      "start",
      JSON.stringify({
        run,
        target: options.target,
        options: options.options,
        counts: options.counts,
        event: options.event,
      }),
    );
  });
}
