/** Request: the Fetch standard's section 5.4, without what only browsers have (mode, credentials, cache, referrer, ...). */
import type { BodyInit, Content } from "./body.ts";
import { Body, contentOf, peekBody, takeBody } from "./body.ts";
import type { HeadersInit } from "./headers.ts";
import { Headers } from "./headers.ts";
import type { Load } from "./parts.ts";

declare const load: Load;

export interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit;
  readonly redirect?: string;
  readonly signal?: Signal | null;
}

/** As much of an AbortSignal as a request needs. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
}

/** What a request consists of, for the constructor and for `fetch`. */
export interface Asked {
  readonly method: string;
  readonly headers: Headers;
  readonly content: Content | null;
  readonly redirect: string;
  readonly signal: Signal | null;
}

/** What was given as a request's signal. */
let signalIn: (request: Request) => Signal | null;

/** Reads `init`; what it does not say is as in `base`. */
export function read(init: RequestInit, base: Request | undefined): Asked {
  const method = init.method === undefined ? (base?.method ?? "GET") : methodOf(init.method);
  const headers = new Headers(init.headers ?? base?.headers);
  const redirect = init.redirect === undefined ? (base?.redirect ?? "follow") : `${init.redirect}`;
  if (!["follow", "error", "manual"].includes(redirect))
    throw new TypeError(
      `redirect: found ${JSON.stringify(redirect.slice(0, 100))}, expected "follow", "error" or "manual"`,
    );
  const own = contentOf(init.body);
  const bodiless = method === "GET" || method === "HEAD";
  if (bodiless && own !== null) throw new TypeError(`a request with ${method} has no body`);
  if (own !== null && own.type !== null && !headers.has("content-type"))
    headers.set("content-type", own.type);
  const content = own ?? (base === undefined ? null : takeBody(base));
  if (bodiless && content !== null) throw new TypeError(`a request with ${method} has no body`);
  const signal =
    init.signal === undefined ? (base === undefined ? null : signalIn(base)) : init.signal;
  return { method, headers, content, redirect, signal };
}

export class Request extends Body {
  readonly #asked: Asked;
  readonly #url: string;
  #signal: Signal | undefined;

  static {
    signalIn = (request) => request.#asked.signal;
  }

  constructor(input: unknown, init: RequestInit = {}) {
    const base = input instanceof Request ? input : undefined;
    const url = base?.url ?? parse(input);
    const asked = read(init ?? {}, base);
    super(asked.content);
    this.#asked = asked;
    this.#url = url;
  }

  get method(): string {
    return this.#asked.method;
  }
  get url(): string {
    return this.#url;
  }
  get headers(): Headers {
    return this.#asked.headers;
  }
  get redirect(): string {
    return this.#asked.redirect;
  }
  /** Aborts with the signal that was given; its own object, as the standard has it. */
  get signal(): Signal {
    if (this.#signal === undefined) {
      const controller = new (load("events").AbortController)();
      const given = this.#asked.signal;
      if (given?.aborted === true) controller.abort(given.reason);
      given?.addEventListener("abort", () => controller.abort(given.reason));
      this.#signal = controller.signal;
    }
    return this.#signal;
  }

  clone(): Request {
    const { method, url, headers, redirect } = this;
    const content = peekBody(this);
    return new Request(url, {
      method,
      headers: new Headers(headers),
      redirect,
      signal: this.#asked.signal,
      ...(content === null ? {} : { body: bytesIn(content) }),
    });
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }
}

function bytesIn({ octets }: Content): Uint8Array {
  return Uint8Array.from(octets, (octet) => octet.charCodeAt(0));
}

function parse(input: unknown): string {
  const text = `${input}`;
  const url = load("url").URL.parse(text);
  if (url === null)
    throw new TypeError(`Request: ${JSON.stringify(text.slice(0, 200))} is not a URL`);
  if (url.username !== "" || url.password !== "")
    throw new TypeError("Request: found a user or a password in the URL, expected none");
  return url.href;
}

function methodOf(method: string): string {
  const text = `${method}`;
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text) || /^(?:CONNECT|TRACE|TRACK)$/i.test(text))
    throw new TypeError(
      `method: found ${JSON.stringify(text.slice(0, 100))}, expected a method of HTTP that carries a request`,
    );
  return /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i.test(text) ? text.toUpperCase() : text;
}
