/** AbortController and AbortSignal: the DOM standard's chapter 3. */
import { DOMException } from "./dom-exception.ts";
import type { Event } from "./event-target.ts";
import { EventTarget, dispatchTrusted } from "./event-target.ts";
import type { WebHost } from "./parts.ts";

declare const host: WebHost;

const MILLISECONDS_MAX = Number.MAX_SAFE_INTEGER;
const OWN = Symbol("made by this file");
let abort: (signal: AbortSignal, reason: unknown) => void;
let follow: (signal: AbortSignal, algorithm: () => void) => void;

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason: unknown = undefined;
  #algorithms: (() => void)[] = [];
  #onabort: ((event: Event) => void) | null = null;

  static {
    abort = (signal, reason) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason =
        reason === undefined
          ? new DOMException("this operation was aborted", "AbortError")
          : reason;
      const algorithms = signal.#algorithms;
      signal.#algorithms = [];
      for (const algorithm of algorithms) algorithm();
      dispatchTrusted(signal, "abort");
    };
    follow = (signal, algorithm) => void signal.#algorithms.push(algorithm);
  }

  constructor(own?: symbol) {
    if (own !== OWN)
      throw new TypeError(
        "AbortSignal has no constructor: use new AbortController().signal, AbortSignal.timeout, abort or any",
      );
    super();
    this.addEventListener("abort", (event) => this.#onabort?.call(this, event));
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = new AbortSignal(OWN);
    abort(signal, reason);
    return signal;
  }

  static timeout(milliseconds: number): AbortSignal {
    const asked = Math.trunc(Number(milliseconds));
    if (!(asked >= 0 && asked <= MILLISECONDS_MAX))
      throw new TypeError(
        `AbortSignal.timeout: found ${milliseconds}, expected milliseconds from 0 on`,
      );
    const signal = new AbortSignal(OWN);
    host.timer(asked, () =>
      abort(signal, new DOMException(`no answer within ${asked} ms`, "TimeoutError")),
    );
    return signal;
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    const sources = [...signals];
    if (!sources.every((source) => source instanceof AbortSignal))
      throw new TypeError("AbortSignal.any: expected signals");
    const signal = new AbortSignal(OWN);
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) abort(signal, aborted.reason);
    else for (const source of sources) follow(source, () => abort(signal, source.reason));
    return signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }
  get reason(): unknown {
    return this.#reason;
  }
  get onabort(): ((event: Event) => void) | null {
    return this.#onabort;
  }
  set onabort(listener: unknown) {
    this.#onabort = typeof listener === "function" ? (listener as (event: Event) => void) : null;
  }
  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }
  override get [Symbol.toStringTag](): string {
    return "AbortSignal";
  }
}

export class AbortController {
  readonly #signal = new AbortSignal(OWN);

  get signal(): AbortSignal {
    return this.#signal;
  }
  abort(reason?: unknown): void {
    abort(this.#signal, reason);
  }
  get [Symbol.toStringTag](): string {
    return "AbortController";
  }
}
