/**
 * The web's interfaces inside an isolate. They are bundled into a few parts, each a text that is evaluated when a plugin
 * first uses one of its names: `setup/guest.ts` makes the texts, `guest-web.ts` evaluates them. A part reaches the others, and
 * what is outside of it, by two names that its evaluation provides:
 *
 *     declare const load: Load;
 *     declare const host: WebHost;
 */

/** What each part exports. */
export interface Parts {
  readonly events: typeof import("./events.ts");
  readonly encoding: typeof import("./encoding.ts");
  readonly url: typeof import("./url.ts");
  readonly idna: typeof import("./idna.ts");
  readonly fetch: typeof import("./fetch.ts");
  readonly crypto: typeof import("./crypto.ts");
  readonly clone: typeof import("./clone.ts");
  readonly streams: typeof import("./streams.ts");
}

/** Evaluates a part, once. */
export type Load = <Name extends keyof Parts>(name: Name) => Parts[Name];

/** What the parts cannot do themselves. */
export interface WebHost {
  /** Calls back once after so many milliseconds, or never when the invocation ends before. */
  readonly timer: (milliseconds: number, expire: () => void) => void;
  /** Milliseconds since the context was made. */
  readonly now: () => number;
  /** Tells an error that nobody catches. */
  readonly report: (error: unknown) => void;
  /** Secret random bytes as hexadecimal digits. It gives them once. */
  readonly takeSeed: () => string;
}
