/**
 * The first code inside an isolate. It is sent there as text, so it refers to nothing outside itself. It takes away what a
 * plugin must not have, gives it what it may use, and returns the four functions by which the host drives it.
 * Only strings cross: what the guest wants is left in an outbox, which the host empties.
 */

import { guestCapabilities } from "./guest-capabilities.ts";
import type { GuestEntries, GuestMessage, HostAnswer } from "./guest-protocol.ts";
import { guestWeb } from "./guest-web.ts";

/**
 * Runs inside; see above.
 *
 * @param environmentText JSON: what `env()` reads while a configuration is evaluated.
 * @param seed of the random numbers, as hexadecimal digits.
 * @param partPlaces where each part of the web's interfaces begins and ends in `parts`, by its name, as JSON.
 */
export function guest(
  environmentText: string,
  seed: string,
  partPlaces: string,
  parts: string,
): GuestEntries {
  const MESSAGES_MAX = 1000;
  /** Most checks are done, or have asked for something, within these. */
  const TURNS_MAX = 8;
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
  const { isFinite } = Number;
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

  function partText(name: string): string {
    const places = parse(partPlaces) as Readonly<Record<string, readonly [number, number]>>;
    const [from, to] = hasOwn(places, name) ? (places[name] as readonly [number, number]) : [0, 0];
    return slice(parts, from, to);
  }

  let outbox: string[] = [];
  let dropped = false;
  let nextId = 1;
  let pending: Record<
    number,
    { resolve: (value: unknown) => void; reject: (error: unknown) => void; error: Error }
  > = create(null);
  const results = new WeakSet<object>();
  const isResult = Function.prototype.call.bind(WeakSet.prototype.has, results) as (
    value: object,
  ) => boolean;
  const remember = Function.prototype.call.bind(WeakSet.prototype.add, results) as (
    value: object,
  ) => void;

  function post(message: GuestMessage): void {
    const last = message.type === "result" || message.type === "error";
    if (last || outbox.length < MESSAGES_MAX) outbox[outbox.length] = stringify(message);
    else dropped = true;
    if (last) flush();
  }

  /** Takes the outbox out with the entry that is under way. */
  let carry: ((text: string) => void) | undefined;
  function flush(): void {
    const carrier = carry;
    carry = undefined;
    carrier?.(drain());
  }

  /** An entry and its microtasks; what comes later than some of them the host fetches with `drain`. */
  function enter(work: () => void): Promise<string> {
    const carried = new PromiseConstructor<string>((resolve) => (carry = resolve));
    work();
    let turns = 0;
    const wait = (): void => {
      if (carry === undefined) return;
      if (turns++ < TURNS_MAX) then(resolved(undefined), wait, wait);
      else flush();
    };
    wait();
    return carried;
  }

  function drain(): string {
    if (outbox.length === 0) return "";
    let text = "";
    for (let index = 0; index < outbox.length; index++)
      text += (index === 0 ? "[" : ",") + outbox[index];
    outbox = [];
    dropped = false;
    return `${text}]`;
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
  const wordOf = (value: unknown): string => {
    if (typeof value === "string") return value;
    try {
      return value instanceof ErrorConstructor
        ? `${value.name}: ${value.message}`
        : (stringify(value) ?? toText(value));
    } catch {
      // A cycle, or a number without end.
      return limited(value);
    }
  };
  const join = (values: readonly unknown[]): string => {
    let text = "";
    for (let index = 0; index < values.length; index++)
      text += (index === 0 ? "" : " ") + wordOf(values[index]);
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
  const { load, forgetTimers } = guestWeb({
    call,
    cancel,
    whenSettled: then,
    say: log.error,
    seed,
    partText,
  });

  /* Good until the first answer from outside: by then time has passed, and what was asked may have changed them. */
  let counts: Readonly<Record<string, number>> = create(null);
  function count(name: unknown): Promise<unknown> {
    const asked = toText(name);
    const known = hasOwn(counts, asked) ? counts[asked] : undefined;
    return known === undefined ? call("processes.count", { name: asked }).promise : resolved(known);
  }

  const context = freeze({
    ...guestCapabilities({ call, cancel, whenSettled: then, limited, load }),
    processes: freeze({
      count,
      watch: (name: unknown) => call("processes.watch", { name: toText(name) }).promise,
    }),
    log,
    down: (reason: unknown) => {
      const result = freeze({ down: limited(reason) });
      remember(result);
      return result;
    },
    weight: (amount: unknown) => {
      const result = freeze({
        weight: typeof amount === "number" && isFinite(amount) ? amount : limited(amount),
      });
      remember(result);
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
    start: (text) =>
      enter(() => {
        const given = parse(text) as {
          run: number;
          options: unknown;
          counts: typeof counts;
          event: unknown;
          target: unknown;
        };
        const { run, options, event, target } = given;
        counts = given.counts;
        // The host forgot the last invocation's requests with its end; nobody will answer them.
        pending = create(null);
        outbox = [];
        forgetTimers();
        const settle = (result: unknown): void => {
          let down: string | null = null;
          let weight: number | string | null = null;
          if (result === undefined || event !== null) weight = null;
          else if (typeof result !== "object" || result === null) weight = typeof result;
          else if (isResult(result))
            ({ down = null, weight = null } = result as {
              down?: string;
              weight?: number | string;
            });
          else weight = "something else";
          post({ type: "result", run, down, weight });
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
          const whole = { ...context, options: freeze(options), target };
          const work = event === null ? definition.check(whole) : definition.notify(event, whole);
          then(resolved(work), settle, (error) => fail(run, error));
        } catch (error) {
          fail(run, error);
        }
      }),
    resume: (text) =>
      enter(() => {
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
      }),
    drain,
    describe() {
      const exported = (world["__karuntimeModule"] as { default?: unknown } | undefined)?.default;
      return stringify(exported) ?? "null";
    },
  };
}
