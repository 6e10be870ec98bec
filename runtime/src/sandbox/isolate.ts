/**
 * An isolate with one plugin's bundle in it, and its contexts. The guest holds no object of the host; the host enters it
 * only with a time limit, also to resume it after an await, and one entry at a time, so that its CPU time is known.
 */
import ivm from "isolated-vm";
import { countText } from "./collect.ts";
import { guest } from "./guest.ts";
import { guestCapabilities } from "./guest-capabilities.ts";
import { createSemaphore } from "./semaphore.ts";

const MEMORY_MB_MAX = 64;
/** What the bootstrap may take; it is our own code. */
const BOOTSTRAP_MS_MAX = 5000;
const SLICES_AT_ONCE = Math.max(2, navigator.hardwareConcurrency * 2);
const OUTBOX_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Each isolate that is busy is a thread; more of them than cores would only delay each other. */
const slices = createSemaphore(SLICES_AT_ONCE);
/** `guest` calls the other by its name. */
const bootstrap = `(() => { ${guestCapabilities.toString()}; return ${guest.toString()}; })()`;
let cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined;

export interface GuestContext {
  readonly start: ivm.Reference;
  readonly resume: ivm.Reference;
  readonly drain: ivm.Reference;
  readonly describe: ivm.Reference;
}

export interface PluginIsolateOptions {
  readonly code: string;
  /** For stack traces. */
  readonly name: string;
  /** The isolate cannot go on, and perhaps not be ended: this process is to be replaced. */
  readonly onCatastrophe: (reason: string) => void;
}

export class PluginIsolate {
  readonly #isolate: ivm.Isolate;
  readonly #options: PluginIsolateOptions;
  readonly #oneAtATime = createSemaphore(1);
  #script: ivm.Script | undefined;
  #ended = false;
  #lost = false;
  /** Ends the wait for the slice that runs. */
  #abandon: ((error: Error) => void) | undefined;

  constructor(options: PluginIsolateOptions) {
    this.#options = options;
    this.#isolate = new ivm.Isolate({
      memoryLimit: MEMORY_MB_MAX,
      onCatastrophicError: () => {
        this.#lost = true;
        // Nothing that runs in it will ever end: whoever waits is told, and judged, before this process goes.
        this.#abandon?.(new Error("memory limit"));
        setImmediate(() =>
          options.onCatastrophe(
            "an isolate ran out of memory in a way that it cannot recover from",
          ),
        );
      },
    });
  }

  /** Whether `dispose` was called, and not the isolate's own limit that ended it. */
  get ended(): boolean {
    return this.#ended;
  }

  get usable(): boolean {
    return !this.#ended && !this.#lost && !this.#isolate.isDisposed;
  }

  /** CPU time of everything that ran in it, in milliseconds. */
  get cpuMs(): number {
    return this.usable ? Number(this.#isolate.cpuTime) / 1e6 : 0;
  }

  /**
   * A new context with the plugin's top level run in it.
   *
   * @param timeoutMs for the top level.
   * @throws what the top level throws, or isolated-vm's error for a limit.
   */
  async createContext(timeoutMs: number, environment = ""): Promise<GuestContext> {
    const context = await this.#isolate.createContext();
    const prelude = await this.#isolate.compileScript(bootstrap, {
      filename: "karuntime:guest",
      ...(cachedData === undefined ? { produceCachedData: true } : { cachedData }),
    });
    cachedData ??= (prelude as ivm.Script & ivm.CachedDataResult).cachedData;
    const make = (await prelude.run(context, {
      reference: true,
      timeout: BOOTSTRAP_MS_MAX,
    })) as ivm.Reference;
    const entries = (await make.apply(undefined, [environment], {
      result: { reference: true },
      timeout: BOOTSTRAP_MS_MAX,
    })) as ivm.Reference;
    const [start, resume, drain, describe] = (await Promise.all(
      ["start", "resume", "drain", "describe"].map((name) =>
        entries.get(name, { reference: true }),
      ),
    )) as [ivm.Reference, ivm.Reference, ivm.Reference, ivm.Reference];
    this.#script ??= await this.#isolate.compileScript(this.#options.code, {
      filename: this.#options.name,
    });
    const script = this.#script;
    await this.#slice(() => script.run(context, { timeout: timeoutMs }));
    return { start, resume, drain, describe };
  }

  /**
   * Enters the guest once: calls an entry with a text, lets its microtasks run, and empties the outbox, all within the
   * limit.
   *
   * @param limitMs asked when the entry's turn has come; below 1 there is none left.
   * @returns the outbox's text, and the CPU time that it took.
   */
  async enter(
    entry: ivm.Reference,
    text: string,
    drain: ivm.Reference,
    limitMs: () => number,
  ): Promise<{ readonly outbox: string; readonly cpuMs: number }> {
    return this.#slice(async () => {
      const timeout = Math.floor(limitMs());
      if (timeout < 1) throw new Error("Script execution timed out.");
      const before = this.cpuMs;
      // Both are queued at once: the isolate's thread wakes up once for the two.
      const [, outbox] = await Promise.all([
        entry.apply(undefined, [text], { timeout }),
        drain.apply(undefined, [], { timeout }),
      ]);
      // It tells none once it is gone; and a negative one the daemon takes for an attack.
      const cpuMs = Math.max(0, this.cpuMs - before);
      if (typeof outbox !== "string" || outbox.length > OUTBOX_CHARACTERS_MAX)
        throw new Error("the plugin sent more than the sandbox passes on");
      countText(outbox);
      return { outbox, cpuMs };
    });
  }

  /** What the module exports, as JSON. */
  async describe(context: GuestContext, timeoutMs: number): Promise<string> {
    const text: unknown = await this.#slice(() =>
      context.describe.apply(undefined, [], { timeout: timeoutMs }),
    );
    return typeof text === "string" && text.length <= OUTBOX_CHARACTERS_MAX ? text : "null";
  }

  dispose(): void {
    if (!this.usable) return;
    this.#ended = true;
    this.#isolate.dispose();
  }

  #slice<T>(work: () => Promise<T>): Promise<T> {
    return this.#oneAtATime(() =>
      slices(
        () =>
          new Promise((resolve, reject) => {
            this.#abandon = reject;
            work().then(resolve, reject);
          }),
      ),
    );
  }
}
