/** Event, CustomEvent and EventTarget: the DOM standard's chapter 2, for targets that have no parent. */
import { DOMException } from "./dom-exception.ts";
import type { WebHost } from "./parts.ts";

declare const host: WebHost;

export interface EventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
}

export type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };

export interface ListenerOptions {
  readonly capture?: boolean;
  readonly once?: boolean;
  readonly passive?: boolean;
  readonly signal?: EventTarget & { readonly aborted: boolean };
}

/** What an event is, and where it is in its dispatch; only EventTarget changes it. */
interface Progress {
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly timeStamp: number;
  target: EventTarget | null;
  dispatching: boolean;
  passive: boolean;
  canceled: boolean;
  stopped: boolean;
  trusted: boolean;
}

let progressOf: (event: Event) => Progress;

export class Event {
  static readonly NONE = 0;
  static readonly CAPTURING_PHASE = 1;
  static readonly AT_TARGET = 2;
  static readonly BUBBLING_PHASE = 3;
  cancelBubble = false;
  readonly #progress: Progress;

  static {
    progressOf = (event) => event.#progress;
  }

  constructor(type: string, init: EventInit = {}) {
    if (arguments.length === 0) throw new TypeError("Event: found no type, expected one");
    const { bubbles, cancelable, composed } = init ?? {};
    this.#progress = {
      type: `${type}`,
      bubbles: Boolean(bubbles),
      cancelable: Boolean(cancelable),
      composed: Boolean(composed),
      timeStamp: host.now(),
      target: null,
      dispatching: false,
      passive: false,
      canceled: false,
      stopped: false,
      trusted: false,
    };
  }

  get type(): string {
    return this.#progress.type;
  }
  get bubbles(): boolean {
    return this.#progress.bubbles;
  }
  get cancelable(): boolean {
    return this.#progress.cancelable;
  }
  get composed(): boolean {
    return this.#progress.composed;
  }
  get timeStamp(): number {
    return this.#progress.timeStamp;
  }
  get target(): EventTarget | null {
    return this.#progress.target;
  }
  get srcElement(): EventTarget | null {
    return this.#progress.target;
  }
  get currentTarget(): EventTarget | null {
    return this.#progress.dispatching ? this.#progress.target : null;
  }
  get eventPhase(): number {
    return this.#progress.dispatching ? Event.AT_TARGET : Event.NONE;
  }
  get defaultPrevented(): boolean {
    return this.#progress.canceled;
  }
  get returnValue(): boolean {
    return !this.#progress.canceled;
  }
  get isTrusted(): boolean {
    return this.#progress.trusted;
  }
  composedPath(): EventTarget[] {
    const { dispatching, target } = this.#progress;
    return dispatching && target !== null ? [target] : [];
  }
  preventDefault(): void {
    if (this.cancelable && !this.#progress.passive) this.#progress.canceled = true;
  }
  stopPropagation(): void {
    this.cancelBubble = true;
  }
  stopImmediatePropagation(): void {
    this.cancelBubble = true;
    this.#progress.stopped = true;
  }
  get [Symbol.toStringTag](): string {
    return "Event";
  }
}

export class CustomEvent extends Event {
  readonly #detail: unknown;

  constructor(type: string, init: EventInit & { readonly detail?: unknown } = {}) {
    super(type, init);
    this.#detail = init?.detail ?? null;
  }
  get detail(): unknown {
    return this.#detail;
  }
  override get [Symbol.toStringTag](): string {
    return "CustomEvent";
  }
}

interface Registration {
  readonly type: string;
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  readonly passive: boolean;
  removed: boolean;
}

export class EventTarget {
  #registrations: Registration[] = [];

  addEventListener(
    type: string,
    listener: Listener | null,
    options: boolean | ListenerOptions = {},
  ): void {
    const given = typeof options === "object" && options !== null ? options : {};
    const capture = captures(options);
    const { signal } = given;
    if (listener === null || listener === undefined || signal?.aborted === true) return;
    if (typeof listener !== "function" && typeof listener !== "object")
      throw new TypeError("addEventListener: expected a function or an object as the listener");
    if (this.#find(`${type}`, listener, capture) !== undefined) return;
    this.#registrations.push({
      type: `${type}`,
      listener,
      capture,
      once: Boolean(given.once),
      passive: Boolean(given.passive),
      removed: false,
    });
    signal?.addEventListener("abort", () => this.removeEventListener(type, listener, options), {
      once: true,
    });
  }

  removeEventListener(
    type: string,
    listener: Listener | null,
    options: boolean | ListenerOptions = {},
  ): void {
    const found = this.#find(`${type}`, listener, captures(options));
    if (found !== undefined) this.#remove(found);
  }

  dispatchEvent(event: Event): boolean {
    if (!(event instanceof Event)) throw new TypeError("dispatchEvent: expected an Event");
    const progress = progressOf(event);
    if (progress.dispatching)
      throw new DOMException("the event is being dispatched already", "InvalidStateError");
    progress.target = this;
    progress.dispatching = true;
    try {
      // Capturing listeners come first, also at the target itself.
      for (const capture of [true, false])
        for (const entry of this.#registrations.filter((one) => one.capture === capture)) {
          if (progress.stopped) break;
          if (entry.removed || entry.type !== event.type) continue;
          if (entry.once) this.#remove(entry);
          progress.passive = entry.passive;
          try {
            if (typeof entry.listener === "function") entry.listener.call(this, event);
            else entry.listener.handleEvent(event);
          } catch (error) {
            host.report(error);
          }
          progress.passive = false;
        }
    } finally {
      progress.dispatching = false;
      progress.stopped = false;
      event.cancelBubble = false;
    }
    return !progress.canceled;
  }

  get [Symbol.toStringTag](): string {
    return "EventTarget";
  }

  #find(type: string, listener: Listener | null, capture: boolean): Registration | undefined {
    return this.#registrations.find(
      (entry) => entry.type === type && entry.listener === listener && entry.capture === capture,
    );
  }

  #remove(entry: Registration): void {
    entry.removed = true;
    this.#registrations = this.#registrations.filter((other) => other !== entry);
  }
}

function captures(options: boolean | ListenerOptions | null): boolean {
  return typeof options === "object" ? Boolean(options?.capture) : Boolean(options);
}

/** Dispatches an event that this runtime made, and no plugin. */
export function dispatchTrusted(target: EventTarget, type: string): void {
  const event = new Event(type);
  progressOf(event).trusted = true;
  EventTarget.prototype.dispatchEvent.call(target, event);
}
