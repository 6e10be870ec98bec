/** Body: the Fetch standard's section 5.3 for bodies that are whole: there are no streams of them. */
import type { Load } from "./parts.ts";
import { bytesOf, isAscii, isBytes, octetsOf, utf8Of } from "./octets.ts";

declare const load: Load;

export type BodyInit = string | ArrayBuffer | ArrayBufferView | object | null | undefined;

/** A body as octets, and the type that its form implies. */
export interface Content {
  readonly octets: string;
  readonly type: string | null;
}

/** Takes a body's bytes as they are now. */
export function contentOf(body: BodyInit): Content | null {
  if (body === null || body === undefined) return null;
  if (isBytes(body)) return { octets: octetsOf(body), type: null };
  // A plugin that never touched URLSearchParams has none, but the part may not even be evaluated to know that.
  const form =
    typeof body === "object" &&
    Object.prototype.toString.call(body) === "[object URLSearchParams]" &&
    body instanceof load("url").URLSearchParams;
  return {
    octets: utf8Of(String(body)),
    type: form ? "application/x-www-form-urlencoded;charset=UTF-8" : "text/plain;charset=UTF-8",
  };
}

let contentIn: (body: Body) => Content | null;
let take: (body: Body) => string;

export abstract class Body {
  readonly #content: Content | null;
  #used = false;

  static {
    contentIn = (body) => {
      if (body.#used) throw new TypeError("the body was read already");
      return body.#content;
    };
    take = (body) => {
      const content = contentIn(body);
      body.#used = content !== null;
      return content?.octets ?? "";
    };
  }

  constructor(content: Content | null) {
    this.#content = content;
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  async text(): Promise<string> {
    return textOf(take(this));
  }

  async json(): Promise<unknown> {
    return JSON.parse(textOf(take(this)));
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return bytesOf(take(this));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return bytesOf(take(this)).buffer;
  }
}

/** The content, which stays. @throws TypeError when it was read. */
export function peekBody(body: Body): Content | null {
  return contentIn(body);
}

/** The content, which counts as read from now on. @throws TypeError when it was read before. */
export function takeBody(body: Body): Content | null {
  const content = contentIn(body);
  take(body);
  return content;
}

/** UTF-8, decoded by the engine itself where it is valid. */
function textOf(octets: string): string {
  if (isAscii(octets)) return octets;
  try {
    return decodeURIComponent(escape(octets)).replace(/^\uFEFF/, "");
  } catch {
    return new (load("encoding").TextDecoder)().decode(bytesOf(octets));
  }
}
