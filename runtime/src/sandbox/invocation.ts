/**
 * One invocation of a plugin: entered, resumed with each answer of a capability, and ended by its result or its
 * deadline, whichever comes first. The deadline is one of wall time and one of CPU time; both hold after an await.
 */
import type { Capabilities } from "./capabilities.ts";
import type { GuestMessage, HostAnswer } from "./guest-protocol.ts";
import type { GuestContext, PluginIsolate, Visitor } from "./isolate.ts";
import { LazyAbort } from "./lazy-abort.ts";
import type { Outcome } from "./protocol.ts";

/** CPU time that one invocation may take, whatever its timeout, unless it is said. */
const CPU_MS_MAX = 1000;
/** What the guest's own code never exceeds; who does is after the time of this process. */
const MESSAGES_MAX = 1001;
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
  readonly perform: Capabilities["perform"];
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
  return new Promise((resolve) => new Invocation(options, resolve).start());
}

class Invocation implements Visitor {
  readonly #options: InvocationOptions;
  readonly #resolve: (result: InvocationResult) => void;
  readonly #startedAtMs = performance.now();
  readonly #calls = new Map<number, LazyAbort>();
  readonly #abort = new LazyAbort(ENDED);
  #answers: HostAnswer[] = [];
  #cpuMs = 0;
  /** When the slice that runs, or did not come to its end, began. */
  #enteredAtMs: number | undefined;
  #entering = 0;
  #settled = false;
  #timer: NodeJS.Timeout | undefined;
  #draining: NodeJS.Immediate | undefined;

  constructor(options: InvocationOptions, resolve: (result: InvocationResult) => void) {
    this.#options = options;
    this.#resolve = resolve;
  }

  start(): void {
    const { run, target, options, counts, event } = this.#options;
    void this.#enter("start", JSON.stringify({ run, target, options, counts, event }));
  }

  limitMs(nowMs: number): number {
    if (this.#settled) return 0;
    this.#enteredAtMs = nowMs;
    const { timeoutMs, cpuMsMax = CPU_MS_MAX } = this.#options;
    return Math.min(
      this.#startedAtMs + timeoutMs - nowMs,
      Math.min(cpuMsMax, timeoutMs) - this.#cpuMs,
    );
  }

  /** Its slices have limits of their own: a timer is for what is not over with the first, or waits for it, or obeys none. */
  onSlow(): void {
    if (this.#settled || this.#timer !== undefined) return;
    const leftMs = this.#startedAtMs + this.#options.timeoutMs - performance.now();
    this.#timer = setTimeout(() => this.#timeOut(), Math.max(1, leftMs));
  }

  #timeOut(): void {
    const { isolate, timeoutMs, onStuck } = this.#options;
    const ownFault = isolate.isVisitedBy(this);
    this.#settle("timed out", `timed out after ${Math.round(timeoutMs)} ms`, ownFault);
    // It is disposed of now.
    if (ownFault) setTimeout(() => isolate.busy && onStuck(), GRACE_MS);
  }

  #settle(outcome: Outcome, reason: string, ownFault = false, weight?: number): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#draining);
    for (const call of this.#calls.values()) call.abort();
    this.#calls.clear();
    this.#abort.abort();
    const nowMs = performance.now();
    const durationMs = nowMs - this.#startedAtMs;
    // What is ended in the middle of a slice does not tell any more what that took.
    const cpuMs = this.#cpuMs + nowMs - (this.#enteredAtMs ?? nowMs);
    this.#resolve({ outcome, reason, weight, ownFault, durationMs, cpuMs });
  }

  async #enter(entry: "start" | "resume" | "drain", text: string): Promise<void> {
    const { isolate, context } = this.#options;
    this.#entering++;
    clearImmediate(this.#draining);
    this.#draining = undefined;
    try {
      const { value: outbox, cpuMs } = await isolate.enter(context, entry, text, this);
      this.#cpuMs += cpuMs;
      this.#enteredAtMs = undefined;
      const messages = outbox === "" ? [] : (JSON.parse(outbox) as GuestMessage[]);
      if (messages.length > MESSAGES_MAX)
        throw new Error("the plugin sent more than the sandbox passes on");
      for (const message of messages) this.#handle(message);
    } catch (error) {
      this.#fail(error);
    }
    this.#entering--;
    if (this.#settled || this.#entering > 0 || this.#answers.length > 0) return;
    if (entry !== "drain") this.#draining = setImmediate(() => this.#wait());
    // A promise that nothing can settle any more: there is no use in waiting for its limit.
    else if (this.#calls.size === 0)
      this.#settle("error", "it waits for something that never comes", true);
  }

  /** Nothing was answered at once. It may have gone on for a while after it gave its outbox away. */
  #wait(): void {
    this.onSlow();
    void this.#enter("drain", "");
  }

  #fail(error: unknown): void {
    const { isolate, explain } = this.#options;
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    const found = outcomeOf(message);
    const outcome = isolate.usable || found === "timed out" ? found : "out of memory";
    const reason =
      outcome === "timed out"
        ? `timed out after ${Math.round(performance.now() - this.#startedAtMs)} ms`
        : outcome === "error"
          ? explain(message, stack.slice(0, STACK_CHARACTERS_MAX))
          : outcome;
    this.#settle(outcome, reason, true);
  }

  #handle(message: GuestMessage): void {
    if (this.#settled) return;
    const { run, explain } = this.#options;
    switch (message.type) {
      case "result":
        return message.run === run ? this.#judge(message.down, message.weight) : undefined;
      case "error": {
        if (message.run !== run) return;
        const stack = String(message.stack).slice(0, STACK_CHARACTERS_MAX);
        return this.#settle("error", explain(String(message.message), stack));
      }
      case "cancel":
        this.#calls.get(message.id)?.abort();
        this.#calls.delete(message.id);
        return;
      case "call":
        return this.#begin(message.id, message.capability, message.argument);
    }
  }

  #judge(down: unknown, weight: unknown): void {
    if (typeof down === "string") return this.#settle("down", down);
    if (weight === null) return this.#settle("up", "");
    if (isWeight(weight)) return this.#settle("up", "", false, weight);
    const found = String(weight).slice(0, 100);
    const expected = `nothing, down(reason), or weight(n) with a whole number from -${WEIGHT_MAX} to ${WEIGHT_MAX}`;
    this.#settle("error", `found ${found} as the check's result, expected ${expected}`, true);
  }

  #begin(id: number, capability: string, argument: unknown): void {
    // The one before could not be called off any more.
    if (this.#calls.has(id)) throw new Error("the plugin made two requests with one number");
    const call = new LazyAbort(ENDED);
    const invocation = this.#abort;
    const work = this.#options.perform(capability, argument, {
      get call() {
        return call.signal;
      },
      get invocation() {
        return invocation.signal;
      },
    });
    if (work === undefined) return;
    this.#calls.set(id, call);
    work.then(
      (value) => this.#answer(id, { id, value }),
      (error: unknown) =>
        this.#answer(id, { id, error: error instanceof Error ? error.message : String(error) }),
    );
  }

  /** Answers that come in the same turn of the loop travel together. */
  #answer(id: number, given: HostAnswer): void {
    if (this.#settled || !this.#calls.delete(id)) return;
    if (this.#answers.push(given) === 1) void this.#resume();
  }

  async #resume(): Promise<void> {
    await undefined;
    const text = JSON.stringify(this.#answers);
    this.#answers = [];
    void this.#enter("resume", text);
  }
}
