/** Response: the Fetch standard's section 5.5. */
import type { BodyInit, Content } from "./body.ts";
import { Body, contentOf, peekBody } from "./body.ts";
import type { HeadersInit } from "./headers.ts";
import { Headers, makeImmutable } from "./headers.ts";
import type { Load } from "./parts.ts";
import { utf8Of } from "./octets.ts";

declare const load: Load;

export interface ResponseInit {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** What a response consists of. */
interface Answered {
  readonly type: "default" | "basic" | "error";
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: Headers;
  readonly content: Content | null;
  readonly certificate: object | null;
}

const BODILESS = [101, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];
/** What the next constructor makes, in place of what it is called with: nobody else can hand that in. */
let next: Answered | undefined;

export class Response extends Body {
  readonly #made: Answered;

  constructor(body?: BodyInit, init: ResponseInit = {}) {
    const made = next ?? answered(contentOf(body), init ?? {});
    next = undefined;
    super(made.content);
    this.#made = made;
  }

  static error(): Response {
    return make({ ...NOTHING, type: "error", status: 0, headers: makeImmutable(new Headers()) });
  }

  static redirect(url: unknown, status = 302): Response {
    const parsed = load("url").URL.parse(`${url}`);
    if (parsed === null) throw new TypeError("Response.redirect: expected a URL");
    if (!REDIRECTS.includes(status))
      throw new RangeError(
        `Response.redirect: found status ${status}, expected one of ${REDIRECTS.join(", ")}`,
      );
    const headers = makeImmutable(new Headers([["location", parsed.href]]));
    return make({ ...NOTHING, status, headers });
  }

  static json(data: unknown, init: ResponseInit = {}): Response {
    const text: string | undefined = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Response.json: this cannot be written as JSON");
    return make(answered({ octets: utf8Of(text), type: "application/json" }, init));
  }

  get type(): string {
    return this.#made.type;
  }
  get status(): number {
    return this.#made.status;
  }
  get statusText(): string {
    return this.#made.statusText;
  }
  get url(): string {
    return this.#made.url;
  }
  get redirected(): boolean {
    return this.#made.redirected;
  }
  get headers(): Headers {
    return this.#made.headers;
  }
  /** Not of the standard: what the server's certificate says, with https. */
  get certificate(): object | null {
    return this.#made.certificate;
  }
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  clone(): Response {
    const content = peekBody(this);
    return make({ ...this.#made, headers: new Headers(this.headers), content });
  }

  get [Symbol.toStringTag](): string {
    return "Response";
  }
}

const NOTHING = {
  type: "default",
  statusText: "",
  url: "",
  redirected: false,
  content: null,
  certificate: null,
} as const;

function make(made: Answered): Response {
  next = made;
  return new Response();
}

function answered(content: Content | null, init: ResponseInit): Answered {
  const status = init.status === undefined ? 200 : Math.trunc(Number(init.status));
  if (!(status >= 200 && status <= 599))
    throw new RangeError(`Response: found status ${init.status}, expected 200 to 599`);
  const statusText = init.statusText === undefined ? "" : `${init.statusText}`;
  if (/[^\t\x20-\x7e\x80-\xff]/.test(statusText))
    throw new TypeError("Response: expected one line without control characters as statusText");
  const headers = new Headers(init.headers);
  if (content !== null && BODILESS.includes(status))
    throw new TypeError(`Response: one with status ${status} has no body`);
  if (content !== null && content.type !== null && !headers.has("content-type"))
    headers.set("content-type", content.type);
  return { ...NOTHING, status, statusText, headers, content };
}

/** What the host answers to a request. */
export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** One character for each octet. */
  readonly body: string;
  readonly certificate: object | null;
}

export function fromAnswer(answer: Answer): Response {
  const { status, statusText, url, redirected, body } = answer;
  const certificate = answer.certificate === null ? null : Object.freeze(answer.certificate);
  const headers = makeImmutable(new Headers(answer.headers));
  const content = BODILESS.includes(status) ? null : { octets: body, type: null };
  return make({
    type: "basic",
    status,
    statusText,
    url,
    redirected,
    headers,
    content,
    certificate,
  });
}
