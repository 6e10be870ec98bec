/**
 * The first code inside an isolate. It is sent there as text, so it refers to nothing outside itself. It takes away what a
 * plugin must not have, gives it what it may use, and returns the four functions by which the host drives it.
 * Only strings cross: what the guest wants is left in an outbox, which the host empties.
 */

import { guestCapabilities } from "./guest-capabilities.ts";
import type { GuestEntries, GuestMessage, HostAnswer } from "./guest-protocol.ts";

/** Runs inside; see above. `environmentText` is JSON: what `env()` reads while a configuration is evaluated. */
export function guest(environmentText: string): GuestEntries {
  "use strict";
  const MESSAGES_MAX = 1000;
  const TEXT_MAX = 1000;
  const STACK_MAX = 4000;
  const { parse, stringify } = JSON;
  const PromiseConstructor = Promise;
  const ErrorConstructor = Error;
  const resolved = Promise.resolve.bind(Promise) as (value: unknown) => Promise<unknown>;
  const then = Function.prototype.call.bind(Promise.prototype.then) as (
    promise: Promise<unknown>,
    done: (value: unknown) => void,
    failed: (error: unknown) => void,
  ) => void;
  const slice = Function.prototype.call.bind(String.prototype.slice) as (
    text: string,
    from: number,
    to: number,
  ) => string;
  const toText = String;
  const { defineProperty, freeze, create, hasOwn } = Object;
  const world = globalThis as Record<string, unknown>;

  for (const name of [
    "WebAssembly",
    "Atomics",
    "SharedArrayBuffer",
    "FinalizationRegistry",
    "WeakRef",
  ])
    delete world[name];
  delete (ArrayBuffer.prototype as { resize?: unknown }).resize;
  // A resizable buffer's memory is not seen by the isolate's limit.
  const PlainArrayBuffer = ArrayBuffer;
  const SafeArrayBuffer = function ArrayBuffer(length: number): ArrayBuffer {
    return new PlainArrayBuffer(length);
  } as unknown as ArrayBufferConstructor;
  defineProperty(SafeArrayBuffer, "prototype", { value: PlainArrayBuffer.prototype });
  defineProperty(SafeArrayBuffer, "isView", { value: PlainArrayBuffer.isView });
  defineProperty(PlainArrayBuffer.prototype, "constructor", { value: SafeArrayBuffer });
  defineProperty(world, "ArrayBuffer", { value: SafeArrayBuffer });
  // Called by the engine itself while it prints an error, outside any time limit.
  defineProperty(Error, "prepareStackTrace", {
    value: undefined,
    writable: false,
    configurable: false,
  });
  if (environmentText !== "")
    defineProperty(world, "__karuntimeEnvironment", { value: freeze(parse(environmentText)) });

  let outbox: string[] = [];
  let dropped = false;
  let nextId = 1;
  let pending: Record<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void; error: Error }
  > = create(null);
  const downs = new WeakSet<object>();
  const isDown = WeakSet.prototype.has.bind(downs);
  const markDown = WeakSet.prototype.add.bind(downs);

  function post(message: GuestMessage): void {
    if (outbox.length < MESSAGES_MAX) outbox[outbox.length] = stringify(message);
    else dropped = true;
  }

  function call(
    capability: string,
    argument: unknown,
  ): { readonly id: number; readonly promise: Promise<unknown> } {
    const id = nextId++;
    // Made here, where the plugin calls: should the call fail, its stack leads to the plugin's own line.
    const error = new ErrorConstructor();
    const promise = new PromiseConstructor<unknown>(
      (resolve, reject) => (pending[id] = { resolve, reject, error }),
    );
    post({ type: "call", id, capability, argument });
    if (dropped) {
      pending[id]?.reject(new ErrorConstructor(`more than ${MESSAGES_MAX} requests at a time`));
      delete pending[id];
    }
    return { id, promise };
  }

  function limited(value: unknown): string {
    return slice(toText(value), 0, TEXT_MAX);
  }

  const say = (level: string) => (message: unknown) =>
    void post({
      type: "call",
      id: 0,
      capability: "log",
      argument: { level, message: limited(message) },
    });
  const log = freeze({
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
  });
  const join = (values: readonly unknown[]): string => {
    let text = "";
    for (let index = 0; index < values.length; index++)
      text +=
        (index === 0 ? "" : " ") +
        (typeof values[index] === "string"
          ? (values[index] as string)
          : (stringify(values[index]) ?? toText(values[index])));
    return text;
  };
  world["console"] = freeze({
    debug: (...values: unknown[]) => log.debug(join(values)),
    log: (...values: unknown[]) => log.info(join(values)),
    info: (...values: unknown[]) => log.info(join(values)),
    warn: (...values: unknown[]) => log.warn(join(values)),
    error: (...values: unknown[]) => log.error(join(values)),
  });

  function cancel(id: number): void {
    if (pending[id] === undefined) return;
    delete pending[id];
    post({ type: "cancel", id });
  }
  world["setTimeout"] = function setTimeout(callback: () => void, milliseconds = 0): number {
    const { id, promise } = call("timer", { milliseconds });
    then(
      promise,
      () => callback(),
      () => undefined,
    );
    return id;
  };
  world["clearTimeout"] = function clearTimeout(timer: number): void {
    cancel(timer);
  };

  let trigger: (signal: AbortSignal, reason: unknown) => void = () => undefined;
  class AbortSignal {
    aborted = false;
    reason: unknown = undefined;
    #listeners: (() => void)[] = [];
    static {
      trigger = (signal, reason) => {
        if (signal.aborted) return;
        signal.aborted = true;
        signal.reason = reason;
        const listeners = signal.#listeners;
        signal.#listeners = [];
        for (let index = 0; index < listeners.length; index++) listeners[index]?.();
      };
    }
    static abort(reason: unknown = new ErrorConstructor("aborted")): AbortSignal {
      const signal = new AbortSignal();
      trigger(signal, reason);
      return signal;
    }
    static timeout(milliseconds: number): AbortSignal {
      const signal = new AbortSignal();
      const expire = (): void =>
        trigger(signal, new ErrorConstructor(`no answer within ${milliseconds} ms`));
      then(call("timer", { milliseconds }).promise, expire, () => undefined);
      return signal;
    }
    throwIfAborted(): void {
      if (this.aborted) throw this.reason;
    }
    addEventListener(_type: "abort", listener: () => void): void {
      this.#listeners[this.#listeners.length] = listener;
    }
    removeEventListener(_type: "abort", listener: () => void): void {
      this.#listeners = this.#listeners.filter((entry) => entry !== listener);
    }
  }
  world["AbortSignal"] = AbortSignal;
  world["AbortController"] = class AbortController {
    readonly signal = new AbortSignal();
    abort(reason: unknown = new ErrorConstructor("aborted")): void {
      trigger(this.signal, reason);
    }
  };

  /* Good until the first answer from outside: by then time has passed, and what was asked may have changed them. */
  let counts: Readonly<Record<string, number>> = create(null);
  function count(name: unknown): Promise<unknown> {
    const asked = toText(name);
    const known = hasOwn(counts, asked) ? counts[asked] : undefined;
    return known === undefined ? call("processes.count", { name: asked }).promise : resolved(known);
  }

  const context = freeze({
    ...guestCapabilities({ call, cancel, whenSettled: then, limited }),
    processes: freeze({ count }),
    log,
    down: (reason: unknown) => {
      const result = freeze({ down: limited(reason) });
      markDown(result);
      return result;
    },
  });

  function fail(run: number, error: unknown): void {
    let message = "an error that cannot be read";
    let stack = "";
    try {
      const { message: said, stack: trace } = (
        typeof error === "object" && error !== null ? error : { message: error }
      ) as { message?: unknown; stack?: unknown };
      message = limited(said);
      stack = slice(toText(trace ?? ""), 0, STACK_MAX);
    } catch {
      // Its getters throw: there is nothing to say about it.
    }
    post({ type: "error", run, message, stack });
  }

  return {
    start(text) {
      const given = parse(text) as {
        run: number;
        options: unknown;
        counts: typeof counts;
        event: unknown;
      };
      const { run, options, event } = given;
      counts = given.counts;
      // The host forgot the last invocation's requests with its end; nobody will answer them.
      pending = create(null);
      outbox = [];
      const settle = (result: unknown): void => {
        if (result === undefined || event !== null) post({ type: "result", run, down: null });
        else if (typeof result === "object" && result !== null && isDown(result))
          post({ type: "result", run, down: (result as { down: string }).down });
        else
          fail(
            run,
            new ErrorConstructor("the check returned something else than nothing or down(reason)"),
          );
      };
      try {
        const definition = (
          world["__karuntimeModule"] as {
            default: {
              check: (given: unknown) => unknown;
              notify: (event: unknown, given: unknown) => unknown;
            };
          }
        ).default;
        const whole = { ...context, options: freeze(options) };
        const work = event === null ? definition.check(whole) : definition.notify(event, whole);
        then(resolved(work), settle, (error) => fail(run, error));
      } catch (error) {
        fail(run, error);
      }
    },
    resume(text) {
      counts = create(null);
      const answers = parse(text) as HostAnswer[];
      for (let index = 0; index < answers.length; index++) {
        const answer = answers[index];
        if (answer === undefined) continue;
        const waiting = pending[answer.id];
        delete pending[answer.id];
        if (waiting === undefined) continue;
        if ("error" in answer) {
          defineProperty(waiting.error, "message", { value: answer.error });
          waiting.reject(waiting.error);
        } else waiting.resolve(answer.value);
      }
    },
    drain() {
      if (outbox.length === 0) return "";
      let text = "";
      for (let index = 0; index < outbox.length; index++)
        text += (index === 0 ? "[" : ",") + outbox[index];
      outbox = [];
      dropped = false;
      return `${text}]`;
    },
    describe() {
      const exported = (world["__karuntimeModule"] as { default?: unknown } | undefined)?.default;
      return stringify(exported) ?? "null";
    },
  };
}
