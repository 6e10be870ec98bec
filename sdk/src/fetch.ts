/** What `fetch` takes and gives. */
import type { Certificate, TlsInit } from "./network.ts";

/** How to ask, beyond the URL; it counts before what a `Request` says. */
export interface FetchInit {
  /** Default "GET". */
  readonly method?: string;
  /** A `Headers`, pairs, or an object. */
  readonly headers?: Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
  /** A `URLSearchParams` is sent as a form, and says so. At most 1 MiB. */
  readonly body?: string | ArrayBuffer | ArrayBufferView | FetchForm | null;
  /** Default "follow"; each redirect must be permitted as well. */
  readonly redirect?: "follow" | "manual" | "error";
  readonly signal?: Signal | null;
  /**
   * Where to connect to, whatever the URL's host says, which stays the name that the server is asked for: `"192.0.2.1"`,
   * `"[2001:db8::1]"`, or with a port other than the URL's. It is what must be permitted then. Redirects go to their own host.
   */
  readonly address?: string;
  /** For https. A redirect to another server, or away from `address`, takes none of it. */
  readonly tls?: TlsInit;
}

/** As much of an AbortSignal as `fetch` needs. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
}

/** As much of a URLSearchParams as tells it from other objects. */
export interface FetchForm extends Iterable<[string, string]> {
  getAll(name: string): string[];
  toString(): string;
}

/** As much of a URL as tells it from other objects. */
export interface FetchUrl {
  readonly href: string;
  readonly pathname: string;
  toString(): string;
}

/** As much of a Request as tells it from other objects; it must be one of the sandbox. */
export interface FetchRequest {
  readonly method: string;
  readonly url: string;
  readonly bodyUsed: boolean;
}

/** A `Headers`. */
export interface FetchHeaders extends Iterable<[string, string]> {
  append(name: string, value: string): void;
  delete(name: string): void;
  /** All values of that name, joined by ", ". */
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, parent: FetchHeaders) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
}

/** A `Response`. */
export interface FetchResponse {
  readonly type: "default" | "basic" | "error";
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: FetchHeaders;
  readonly bodyUsed: boolean;
  /** The server's, with https. */
  readonly certificate: Certificate | null;
  /** Decoded as UTF-8. As with the next three, a second time it throws: keep the result, or a clone. */
  text(): Promise<string>;
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  clone(): FetchResponse;
}
