/**
 * The capabilities as a plugin sees them. Like `guest`, it is sent into the isolate as text and refers to nothing
 * outside itself but `guestNetwork`, which is sent before it.
 */

import type { Load } from "./web/parts.ts";
import type { RequestInit } from "./web/request.ts";
import type { Answer } from "./web/response.ts";
import { guestNetwork } from "./guest-network.ts";

/** What `guest` hands it: calls to the host, and the builtins as they were before the plugin could change them. */
export interface GuestTools {
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
  readonly limited: (value: unknown) => string;
  readonly load: Load;
}

/** What `fetch` takes beside what the web has. */
interface FetchInit extends RequestInit {
  readonly address?: unknown;
  readonly tls?: unknown;
}

/** Everything in a context but `processes`, `log` and `down`. */
export function guestCapabilities(tools: GuestTools) {
  const { call, cancel, whenSettled, limited, load } = tools;
  const WORDS_MAX = 100;
  const OCTETS_MAX = 1024 * 1024;
  const { freeze } = Object;
  const PromiseConstructor = Promise;
  const ErrorConstructor = Error;
  const Octets = Uint8Array;
  const toText = String;
  const { fromCharCode } = String;
  const charCodeAt = Function.prototype.call.bind(String.prototype.charCodeAt) as (
    text: string,
    index: number,
  ) => number;
  const encode = encodeURIComponent;
  const unescapeText = unescape;

  /** As plain texts; the host says what is wrong with them. */
  function tlsOf(given: unknown): object {
    const said = (given === true ? {} : given) as Readonly<Record<string, unknown>>;
    const text = (value: unknown): string | null =>
      value === undefined || value === null ? null : toText(value);
    return {
      ca: text(said["ca"]),
      certificate: text(said["certificate"]),
      key: text(said["key"]),
      serverName: text(said["serverName"]),
      minVersion: text(said["minVersion"]),
      verify: said["verify"] !== false,
    };
  }

  function fetch(input: unknown, init: FetchInit | null = {}): Promise<unknown> {
    return new PromiseConstructor((resolve, reject) => {
      const { toArgument, fromAnswer } = load("fetch");
      const { argument, signal } = toArgument(input, init ?? {});
      if (signal?.aborted === true) return reject(signal.reason);
      const { address, tls } = init ?? {};
      const { id, promise } = call("fetch", {
        ...argument,
        address: address === undefined ? null : toText(address),
        tls: tls === undefined ? null : tlsOf(tls),
      });
      signal?.addEventListener("abort", () => {
        cancel(id);
        reject(signal.reason);
      });
      whenSettled(promise, (value) => resolve(fromAnswer(value as Answer)), reject);
    });
  }

  /** One character for each octet: strings alone cross the border. */
  function octetsOf(data: unknown): string {
    if (!(data instanceof Octets)) return unescapeText(encode(toText(data)));
    if (data.length > OCTETS_MAX)
      throw new ErrorConstructor(`more than ${OCTETS_MAX} bytes at once`);
    let text = "";
    for (let index = 0; index < data.length; index++) text += fromCharCode(data[index] ?? 0);
    return text;
  }
  function bytesOf(octets: unknown): Uint8Array | null {
    if (typeof octets !== "string") return null;
    const bytes = new Octets(octets.length);
    for (let index = 0; index < octets.length; index++) bytes[index] = charCodeAt(octets, index);
    return bytes;
  }
  function map(promise: Promise<unknown>, change: (value: unknown) => unknown): Promise<unknown> {
    return new PromiseConstructor((resolve, reject) =>
      whenSettled(
        promise,
        (value) => {
          try {
            resolve(change(value));
          } catch (error) {
            reject(error);
          }
        },
        reject,
      ),
    );
  }

  function exec(argv: unknown, init: { timeoutMs?: unknown } = {}): Promise<unknown> {
    const words: string[] = [];
    const given = argv as readonly unknown[];
    for (let index = 0; index < given.length && index < WORDS_MAX; index++)
      words[index] = toText(given[index]);
    return call("exec", {
      argv: words,
      timeoutMs: typeof init.timeoutMs === "number" ? init.timeoutMs : null,
    }).promise;
  }

  const service = (action: string) => (name: unknown) =>
    call("service", { name: toText(name), action }).promise;
  const status = service("status");
  const keep = (action: string, key: unknown, value: string | null) =>
    call("store", { action, key: toText(key), value }).promise;
  const publish = (type: string) => (name: unknown, value: unknown, labels: unknown) =>
    call("metrics", { type, name, value, labels }).promise;
  const measure = (what: string) => () => call("system", { what }).promise;

  return {
    ...guestNetwork({ call, cancel, whenSettled, load, map, octetsOf, bytesOf, tlsOf }),
    fetch,
    exec,
    mail: (given: { subject?: unknown; text?: unknown }) =>
      call("mail", { subject: limited(given.subject), text: toText(given.text) }).promise,
    files: freeze({
      read: (path: unknown) => call("files.read", { path: toText(path) }).promise,
    }),
    system: freeze({
      load: measure("load"),
      memory: measure("memory"),
      disk: (path: unknown) => call("system", { what: "disk", path: toText(path) }).promise,
      pressure: (resource: unknown) =>
        call("system", { what: `${toText(resource)}-pressure` }).promise,
    }),
    store: freeze({
      get: (key: unknown) => keep("get", key, null),
      set: (key: unknown, value: unknown) => keep("set", key, toText(value)),
      delete: (key: unknown) => keep("set", key, null),
      keys: () => keep("keys", "", null),
    }),
    metrics: freeze({
      gauge: publish("gauge"),
      counter: publish("counter"),
    }),
    secrets: freeze({
      get: (name: unknown) => call("secrets.get", { name: toText(name) }).promise,
    }),
    services: freeze({
      start: service("start"),
      stop: service("stop"),
      restart: service("restart"),
      status: (name: unknown) =>
        map(status(name), (running) => (running === true ? "running" : "stopped")),
    }),
  };
}
