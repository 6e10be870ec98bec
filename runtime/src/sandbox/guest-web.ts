/**
 * The web's interfaces as a plugin finds them on its global object: timers and clocks at once, the rest when it is first
 * used (see web/parts.ts). Like `guest`, it is sent into the isolate as text and refers to nothing outside itself.
 */
import type { Load, WebHost } from "./web/parts.ts";

export interface GuestWebTools {
  readonly call: (
    capability: string,
    argument: unknown,
  ) => { readonly id: number; readonly promise: Promise<unknown> };
  readonly cancel: (id: number) => void;
  readonly whenSettled: (
    promise: Promise<unknown>,
    done: (value: unknown) => void,
    failed: (error: unknown) => void,
  ) => void;
  readonly say: (line: string) => void;
  /** Random bytes of this context's own, as hexadecimal digits. */
  readonly seed: string;
  /** The text of a part by its name; "" when there is none. */
  readonly partText: (name: string) => string;
}

export interface GuestWeb {
  readonly load: Load;
  /** The timers of the invocation before will not come any more. */
  readonly forgetTimers: () => void;
}

/** Installs them. */
export function guestWeb(tools: GuestWebTools): GuestWeb {
  const { call, cancel, whenSettled, say, partText } = tools;
  const GLOBALS: Readonly<Record<string, readonly string[]>> = {
    events: [
      "AbortController",
      "AbortSignal",
      "DOMException",
      "CustomEvent",
      "Event",
      "EventTarget",
    ],
    encoding: ["TextDecoder", "TextEncoder", "atob", "btoa"],
    url: ["URL", "URLSearchParams"],
    fetch: ["Headers", "Request", "Response"],
    crypto: ["Crypto", "SubtleCrypto", "crypto"],
    clone: ["structuredClone"],
    streams: [
      "ByteLengthQueuingStrategy",
      "CountQueuingStrategy",
      "ReadableByteStreamController",
      "ReadableStream",
      "ReadableStreamBYOBReader",
      "ReadableStreamBYOBRequest",
      "ReadableStreamDefaultController",
      "ReadableStreamDefaultReader",
      "TextDecoderStream",
      "TextEncoderStream",
      "TransformStream",
      "TransformStreamDefaultController",
      "WritableStream",
      "WritableStreamDefaultController",
      "WritableStreamDefaultWriter",
    ],
  };
  const world = globalThis as Record<string, unknown>;
  // oxlint-disable-next-line no-eval -- of our own texts alone, and before a plugin can put another in its place.
  const evaluate = eval;
  const TypeErrorConstructor = TypeError;
  const { create, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, keys } = Object;
  const { now } = Date;
  const { max, trunc } = Math;
  const toText = String;
  const resolved = Promise.resolve.bind(Promise) as (value: unknown) => Promise<unknown>;
  const nothing = (): undefined => undefined;

  function define(name: string, value: unknown): void {
    defineProperty(world, name, { value, writable: true, configurable: true, enumerable: false });
  }

  function report(error: unknown): void {
    let line = "an error that cannot be read";
    try {
      const { name, message } = error as { readonly name?: unknown; readonly message?: unknown };
      line = message === undefined ? toText(error) : `${toText(name)}: ${toText(message)}`;
    } catch {
      // Its getters throw: there is nothing to say about it.
    }
    say(`nobody catches: ${line}`);
  }

  const timeOrigin = now();
  let lastMs = 0;
  /* In whole milliseconds, and never backwards, also when the clock of the machine is set. */
  const sinceOrigin = (): number => (lastMs = max(lastMs, now() - timeOrigin));

  let { seed } = tools;
  const host: WebHost = {
    timer: (milliseconds, expire) =>
      whenSettled(call("timer", { milliseconds }).promise, expire, nothing),
    now: sinceOrigin,
    report,
    takeSeed: () => {
      const given = seed;
      seed = "";
      return given;
    },
  };

  const lazy: Record<string, true> = create(null);
  const loaded: Record<string, object> = create(null);
  /* The global object of a part: the language, without what the web adds, whose own versions libraries would prefer. */
  function standIn(): object {
    const copy: Record<string, unknown> = create(null);
    const names = getOwnPropertyNames(world);
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      if (lazy[name] !== true) copy[name] = getOwnPropertyDescriptor(world, name)?.value;
    }
    copy["globalThis"] = copy;
    return copy;
  }
  function load(part: string): object {
    const present = loaded[part];
    if (present !== undefined) return present;
    const text = partText(part);
    const make = evaluate(
      `(function(load,host,globalThis,module,exports){${text}\n})\n//# sourceURL=karuntime:web/${part}`,
    ) as (...given: readonly unknown[]) => void;
    const module = { exports: {} };
    make(load, host, standIn(), module, module.exports);
    return (loaded[part] = module.exports);
  }

  const groups = keys(GLOBALS);
  for (let group = 0; group < groups.length; group++) {
    const part = groups[group] as string;
    const names = GLOBALS[part] as readonly string[];
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      lazy[name] = true;
      defineProperty(world, name, {
        configurable: true,
        enumerable: false,
        get: () => {
          const value = (load(part) as Record<string, unknown>)[name];
          define(name, value);
          return value;
        },
        set: (value) => define(name, value),
      });
    }
  }

  /* By the number that the plugin knows, the call that is under way. A number is good for one invocation. */
  let repeated: Record<number, number> = create(null);
  function startTimer(
    callback: unknown,
    milliseconds: unknown,
    values: readonly unknown[],
    again: boolean,
  ): number {
    if (typeof callback !== "function")
      throw new TypeErrorConstructor(
        `${again ? "setInterval" : "setTimeout"}: expected a function to call`,
      );
    const argument = { milliseconds: max(0, trunc(+(milliseconds as number)) || 0) };
    const first = call("timer", argument);
    const expire = (): void => {
      if (again) {
        if (repeated[first.id] === undefined) return;
        const next = call("timer", argument);
        repeated[first.id] = next.id;
        whenSettled(next.promise, expire, refused);
      }
      callback(...values);
    };
    if (again) repeated[first.id] = first.id;
    whenSettled(first.promise, expire, refused);
    return first.id;
  }
  function refused(): void {
    say("a timer never comes: there are too many");
  }
  function clear(timer: number): void {
    const id = repeated[timer] ?? timer;
    delete repeated[timer];
    if (typeof id === "number") cancel(id);
  }
  define("setTimeout", function setTimeout(callback: unknown, ms?: unknown, ...values: unknown[]) {
    return startTimer(callback, ms, values, false);
  });
  define(
    "setInterval",
    function setInterval(callback: unknown, ms?: unknown, ...values: unknown[]) {
      return startTimer(callback, ms, values, true);
    },
  );
  define("clearTimeout", function clearTimeout(timer: number) {
    clear(timer);
  });
  define("clearInterval", function clearInterval(timer: number) {
    clear(timer);
  });
  define("queueMicrotask", function queueMicrotask(callback: unknown) {
    if (typeof callback !== "function")
      throw new TypeErrorConstructor("queueMicrotask: expected a function to call");
    whenSettled(
      resolved(undefined),
      () => {
        try {
          callback();
        } catch (error) {
          report(error);
        }
      },
      nothing,
    );
  });
  define("reportError", report);

  define("performance", { timeOrigin, now: sinceOrigin });
  define("navigator", { userAgent: "karuntime" });
  define("self", world);
  return { load: load as Load, forgetTimers: () => void (repeated = create(null)) };
}
