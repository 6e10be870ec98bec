/**
 * An isolate with one plugin's bundle in it, and its contexts. The guest holds no object of the host; the host enters it
 * only with a time limit, also to resume it after an await, and one entry at a time, so that its CPU time is known.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import ivm from "isolated-vm";
import { countText } from "./collect.ts";
import { guest } from "./guest.ts";
import { guestCapabilities } from "./guest-capabilities.ts";
import { hasTooManyValues } from "./json-size.ts";
import type { MemoryWatch, Watched } from "./memory-watch.ts";
import { guestWeb } from "./guest-web.ts";
import { guestNetwork } from "./guest-network.ts";
import { createSemaphore } from "./semaphore.ts";

const MEMORY_MB_MAX = 32;
/** What the bootstrap may take; it is our own code. */
const BOOTSTRAP_MS_MAX = 5000;
const SLICES_AT_ONCE = Math.max(2, navigator.hardwareConcurrency * 2);
/** Whoever runs in an isolate that is lost has so long to say so. */
const UNBLAMED_MS = 100;
/** Slices of which it is asked what CPU time they took are longer than that. */
const SHORT_MS = 2;
const OUTBOX_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Each isolate that is busy is a thread; more of them than cores would only delay each other. */
const slices = createSemaphore(SLICES_AT_ONCE);
/**
 * `guest` calls the others by their names. V8 compiles a function in parentheses at once, and not at its first call: so
 * it is in the cached data of the script.
 */
const bootstrap = `(() => {
  "use strict";
  const guestNetwork = (${guestNetwork.toString()});
  const guestCapabilities = (${guestCapabilities.toString()});
  const guestWeb = (${guestWeb.toString()});
  const guest = (${guest.toString()});
  let entries;
  return (entry, ...texts) => entry === "make" ? void (entries = guest(...texts)) : entries[entry](...texts);
})()`;
const SEED_BYTES = 32;
/** Names and texts of the web's interfaces, in turn. */
const web = JSON.parse(readFileSync(new URL("web.json", import.meta.url), "utf8")) as string[];
/** One copy for all isolates: each would otherwise carry half a megabyte that most plugins never evaluate. */
const parts = new ivm.ExternalCopy(web.filter((_, index) => index % 2 === 1).join(""));
const partPlaces = JSON.stringify(placesOf(web));
let cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined;

export interface GuestContext {
  /** The check or the notifier. */
  readonly owner: string;
  /** Runs the plugin's top level, once. @throws what it throws, or isolated-vm's error for a limit. */
  readonly topLevel: (timeoutMs: number) => Promise<unknown>;
  /** Calls one of `GuestEntries` by its name. */
  readonly entries: ivm.Reference;
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
  occupant = "";
  readonly #isolate: ivm.Isolate;
  readonly #options: PluginIsolateOptions;
  readonly #oneAtATime = createSemaphore(1);
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
      this.#isolate.compileScript(bootstrap, {
        filename: "karuntime:guest",
        ...(cachedData === undefined ? { produceCachedData: true } : { cachedData }),
      }),
      (this.#script ??= this.#isolate.compileScript(this.#options.code, {
        filename: this.#options.name,
      })),
    ]);
    cachedData ??= (prelude as ivm.Script & ivm.CachedDataResult).cachedData;
    const entries = (await prelude.run(context, {
      reference: true,
      timeout: BOOTSTRAP_MS_MAX,
    })) as ivm.Reference;
    const seed = randomBytes(SEED_BYTES).toString("hex");
    const texts = [partPlaces, parts.copyInto()];
    return {
      owner,
      entries,
      topLevel: (timeoutMs) =>
        Promise.all([
          entries.apply(undefined, ["make", environment, seed, ...texts], {
            timeout: BOOTSTRAP_MS_MAX,
          }),
          this.#slice(owner, () => script.run(context, { timeout: timeoutMs }) as Promise<unknown>),
        ]),
    };
  }

  /**
   * Enters the guest once: calls an entry with a text, lets its microtasks run, and empties the outbox, all within the
   * limit.
   *
   * @param limitMs asked when the entry's turn has come; below 1 there is none left.
   * @returns the outbox's text, and the CPU time that it took.
   */
  async enter(
    context: GuestContext,
    entry: "start" | "resume" | "drain",
    text: string,
    limitMs: () => number,
  ): Promise<{ readonly outbox: string; readonly cpuMs: number }> {
    return this.#slice(context.owner, async () => {
      const timeout = Math.floor(limitMs());
      if (timeout < 1) throw new Error("Script execution timed out.");
      const enteredAtMs = performance.now();
      // One task of the isolate's thread: the outbox comes with the promise, and the limit holds for its microtasks too.
      const outbox: unknown = await context.entries.apply(undefined, [entry, text], {
        timeout,
        result: { promise: true, copy: true },
      });
      const cpuMs = this.#cpuOf(performance.now() - enteredAtMs);
      if (
        typeof outbox !== "string" ||
        outbox.length > OUTBOX_CHARACTERS_MAX ||
        hasTooManyValues(outbox)
      )
        throw new Error("the plugin sent more than the sandbox passes on");
      countText(outbox);
      return { outbox, cpuMs };
    });
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
    const text: unknown = await this.#slice(context.owner, () =>
      context.entries.apply(undefined, ["describe"], { timeout: timeoutMs }),
    );
    return typeof text === "string" && text.length <= OUTBOX_CHARACTERS_MAX ? text : "null";
  }

  /** @param cause "time": another plugin in it may have been innocent, and starts again. */
  dispose(cause: "time" | "memory" = "time"): void {
    if (!this.usable) return;
    if (cause === "time") this.#ended = true;
    this.#isolate.dispose();
  }

  #slice<T>(occupant: string, work: () => Promise<T>): Promise<T> {
    return this.#oneAtATime(() =>
      slices(async () => {
        this.occupant = occupant;
        this.insideSinceMs = performance.now();
        this.#inside++;
        this.#options.memory.enter(this);
        try {
          return await new Promise<T>((resolve, reject) => {
            this.#abandon = reject;
            work().then(resolve, reject);
          });
        } finally {
          this.#inside--;
          this.#options.memory.leave(this);
        }
      }),
    );
  }
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
