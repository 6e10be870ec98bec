/**
 * An isolate with one plugin's bundle in it, and its contexts. The guest holds no object of the host; the host enters it
 * only with a time limit, also to resume it after an await, and one entry at a time, so that its CPU time is known.
 * What exceeds its limit is ended with the isolate. isolated-vm's own `timeout` is not used: each leaves a timer behind
 * that wakes a thread up when it would have been due, which costs as much as the call.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import ivm from "isolated-vm";
import { countText } from "./collect.ts";
import { hasTooManyValues } from "./json-size.ts";
import type { MemoryWatch, Watched } from "./memory-watch.ts";
import { createSemaphore } from "./semaphore.ts";

const MEMORY_MB_MAX = 32;
const SLICES_AT_ONCE = Math.max(2, navigator.hardwareConcurrency * 2);
/** Whoever runs in an isolate that is lost has so long to say so. */
const UNBLAMED_MS = 100;
/** Slices of which it is asked what CPU time they took are longer than that. */
const SHORT_MS = 2;
const OUTBOX_CHARACTERS_MAX = 8 * 1024 * 1024;
const COPIED = { result: { promise: true, copy: true } } as const;

/** Each isolate that is busy is a thread; more of them than cores would only delay each other. */
const slices = createSemaphore(SLICES_AT_ONCE);
const SEED_BYTES = 32;
const TIMED_OUT = "execution timed out";
/** What every context begins with, and then names and texts of the web's interfaces, in turn. */
const [bootstrap = "", ...web] = JSON.parse(
  readFileSync(new URL("guest.json", import.meta.url), "utf8"),
) as string[];
/** One copy for all isolates: each would otherwise carry half a megabyte that most plugins never evaluate. */
const parts = new ivm.ExternalCopy(web.filter((_, index) => index % 2 === 1).join(""));
const partPlaces = JSON.stringify(placesOf(web));
let cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined;

export interface GuestContext {
  /** The check or the notifier. */
  readonly owner: string;
  /** Runs the plugin's top level, once. @throws what it throws, or an Error that says which limit was reached. */
  readonly topLevel: (timeoutMs: number) => Promise<unknown>;
  /** Calls one of `GuestEntries` by its name. */
  readonly entries: ivm.Reference;
}

/** Whoever enters. */
export interface Visitor {
  /** What its slice may take, asked when its turn has come; with nothing left it does not begin. */
  limitMs(nowMs: number): number;
  /** It waits for its turn, or its slice has run for a while. */
  onSlow(): void;
}

/** A visitor with a limit for one slice. */
const limited = (limitMs: number): Visitor => ({ limitMs: () => limitMs, onSlow: () => undefined });

/** What came out of one entry. */
export interface Slice<T> {
  readonly value: T;
  readonly cpuMs: number;
}

export interface PluginIsolateOptions {
  readonly code: string;
  /** For stack traces. */
  readonly name: string;
  /** The isolate cannot go on, and perhaps not be ended: this process is to be replaced. */
  readonly onCatastrophe: (reason: string) => void;
  readonly memory: MemoryWatch;
  /** Whether a debugger may look into it: only where its author runs it. */
  readonly inspected?: boolean;
}

export class PluginIsolate implements Watched {
  insideSinceMs = 0;
  insideUntilMs = 0;
  occupant = "";
  readonly #isolate: ivm.Isolate;
  readonly #options: PluginIsolateOptions;
  readonly #oneAtATime = createSemaphore(1);
  #visitor: Visitor | undefined;
  /** Compiled once for all of its contexts. */
  #prelude: Promise<ivm.Script> | undefined;
  #script: Promise<ivm.Script> | undefined;
  #ended = false;
  #inside = 0;
  #knownCpuMs = 0;
  #lost = false;
  /** Ends the wait for the slice that runs. */
  #abandon: ((error: Error) => void) | undefined;

  constructor(options: PluginIsolateOptions) {
    this.#options = options;
    this.#isolate = new ivm.Isolate({
      memoryLimit: MEMORY_MB_MAX,
      inspector: options.inspected === true,
      onCatastrophicError: () => {
        this.#lost = true;
        // Nothing that runs in it will ever end: whoever waits is told, and judged, before this process goes.
        this.#abandon?.(new Error("memory limit"));
        const reason = "an isolate ran out of memory in a way that it cannot recover from";
        setTimeout(() => options.onCatastrophe(reason), UNBLAMED_MS);
      },
    });
  }

  /** Whether it was ended for its time, not for its memory. */
  get ended(): boolean {
    return this.#ended;
  }

  get usable(): boolean {
    return !this.#ended && !this.#lost && !this.#isolate.isDisposed;
  }

  /** Whether it ran out of memory beyond repair: it can neither go on nor be ended. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Whether a slice of the plugin's own code runs in it, which has not ended even if it was disposed of. */
  get busy(): boolean {
    return this.#inside > 0;
  }

  /** CPU time of everything that ran in it, in milliseconds. */
  get cpuMs(): number {
    return this.usable ? Number(this.#isolate.cpuTime) / 1e6 : 0;
  }

  /**
   * A new context, in which the plugin's top level has still to be run.
   *
   * @param environment what `env()` reads, as JSON; none for plugins.
   * @throws isolated-vm's error when the isolate was ended.
   */
  async createContext(owner: string, environment = ""): Promise<GuestContext> {
    // Queued at once: the isolate's thread wakes up once for all of it.
    const [context, prelude, script] = await Promise.all([
      this.#isolate.createContext({ inspector: this.#options.inspected === true }),
      (this.#prelude ??= this.#isolate.compileScript(bootstrap, {
        filename: "karuntime:guest",
        ...(cachedData === undefined ? { produceCachedData: true } : { cachedData }),
      })),
      (this.#script ??= this.#isolate.compileScript(this.#options.code, {
        filename: this.#options.name,
      })),
    ]);
    cachedData ??= (prelude as ivm.Script & ivm.CachedDataResult).cachedData;
    const seed = randomBytes(SEED_BYTES).toString("hex");
    let entries: ivm.Reference | undefined;
    return {
      owner,
      get entries() {
        if (entries === undefined) throw new Error("the top level has not been run");
        return entries;
      },
      topLevel: async (timeoutMs) => {
        // Queued at once, too; they are done one after the other.
        context.global.setIgnored("given", JSON.stringify([environment, seed, partPlaces]));
        context.global.setIgnored("parts", parts.copyInto());
        [entries] = await Promise.all([
          prelude.run(context, { reference: true }),
          this.#slice(owner, Boolean, limited(timeoutMs), () => script.run(context)),
        ]);
      },
    };
  }

  /**
   * Enters the guest once: calls an entry with a text, lets its microtasks run, and empties the outbox, all within the
   * limit.
   *
   * @returns the outbox's text, and the CPU time that it took.
   */
  enter(
    context: GuestContext,
    entry: "start" | "resume" | "drain",
    text: string,
    visitor: Visitor,
  ): Promise<Slice<string>> {
    // One task of the isolate's thread: the outbox comes with the promise.
    return this.#slice(context.owner, outboxOf, visitor, () =>
      context.entries.apply(undefined, [entry, text], COPIED),
    );
  }

  /** Whether a slice of this one runs in it now. */
  isVisitedBy(visitor: Visitor): boolean {
    return this.#inside > 0 && this.#visitor === visitor;
  }

  onLong(): void {
    this.#visitor?.onSlow();
  }

  onOverdue(): void {
    this.dispose("time");
  }

  /** The CPU time of a slice. Of a short one it is its wall time at most, which is close enough and cheaper to know. */
  #cpuOf(wallMs: number): number {
    if (wallMs < SHORT_MS) return wallMs;
    const before = this.#knownCpuMs;
    this.#knownCpuMs = this.cpuMs;
    // It tells none once it is gone; and a negative one the daemon takes for an attack.
    return Math.min(wallMs, Math.max(0, this.#knownCpuMs - before));
  }

  /** For a debugger. @throws Error unless the isolate is inspected. */
  createInspectorSession(): ivm.InspectorSession {
    return this.#isolate.createInspectorSession();
  }

  /** What the module exports, as JSON. */
  async describe(context: GuestContext, timeoutMs: number): Promise<string> {
    const { value } = await this.#slice(context.owner, String, limited(timeoutMs), () =>
      context.entries.apply(undefined, ["describe"]),
    );
    return value.length <= OUTBOX_CHARACTERS_MAX ? value : "null";
  }

  /** @param cause "time": another plugin in it may have been innocent, and starts again. */
  dispose(cause: "time" | "memory" = "time"): void {
    if (!this.usable) return;
    if (cause === "time") this.#ended = true;
    this.#isolate.dispose();
  }

  /** @param accept checks what came out. */
  async #slice<T>(
    occupant: string,
    accept: (value: unknown) => T,
    visitor: Visitor,
    work: () => Promise<unknown>,
  ): Promise<Slice<T>> {
    let turn = this.#oneAtATime.take();
    // Most slices have their turn at once.
    if (turn !== undefined) await (visitor.onSlow(), turn);
    turn = slices.take();
    if (turn !== undefined) await (visitor.onSlow(), turn);
    this.occupant = occupant;
    this.#visitor = visitor;
    this.insideSinceMs = performance.now();
    this.insideUntilMs = this.insideSinceMs + visitor.limitMs(this.insideSinceMs);
    this.#inside++;
    this.#options.memory.enter(this);
    try {
      if (this.insideUntilMs <= this.insideSinceMs) throw new Error(TIMED_OUT);
      const value = await new Promise((resolve, reject) => {
        this.#abandon = reject;
        work().then(resolve, reject);
      });
      return { value: accept(value), cpuMs: this.#cpuOf(performance.now() - this.insideSinceMs) };
    } catch (error) {
      throw this.#ended && performance.now() >= this.insideUntilMs ? new Error(TIMED_OUT) : error;
    } finally {
      this.#inside--;
      this.#options.memory.leave(this);
      slices.give();
      this.#oneAtATime.give();
    }
  }
}

/** @throws Error for what is no text, or too much of one. */
function outboxOf(value: unknown): string {
  if (typeof value !== "string" || value.length > OUTBOX_CHARACTERS_MAX || hasTooManyValues(value))
    throw new Error("the plugin sent more than the sandbox passes on");
  countText(value);
  return value;
}

/** Where each part begins and ends when they are joined. */
function placesOf(namesAndTexts: readonly string[]): Readonly<Record<string, readonly number[]>> {
  const places: Record<string, readonly number[]> = {};
  let from = 0;
  for (let index = 0; index < namesAndTexts.length; index += 2) {
    const [name = "", text = ""] = namesAndTexts.slice(index, index + 2);
    places[name] = [from, from + text.length];
    from += text.length;
  }
  return places;
}
