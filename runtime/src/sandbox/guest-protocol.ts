/** What crosses the border of an isolate, always as JSON text: the messages of both directions and the four entries. */

/** What the guest leaves in its outbox. */
export type GuestMessage =
  | {
      readonly type: "call";
      readonly id: number;
      readonly capability: string;
      readonly argument: unknown;
    }
  | { readonly type: "cancel"; readonly id: number }
  /** Up with neither; a weight that is a text says what was returned instead of a result. */
  | {
      readonly type: "result";
      readonly run: number;
      readonly down: string | null;
      readonly weight: number | string | null;
    }
  | {
      readonly type: "error";
      readonly run: number;
      readonly message: string;
      readonly stack: string;
    };

/** What the host answers to a call. */
export type HostAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

export interface GuestEntries {
  /**
   * Starts an invocation: `{ run, options, counts, event, target }` as JSON. `counts` are the granted process counts at
   * this moment; `event` is a notifier's, null for a check; `target` is a checker's, else null.
   */
  start(text: string): Promise<string>;
  /** Delivers answers: `HostAnswer[]` as JSON. Both give what `drain` gives, as soon as there is a result, or little later. */
  resume(text: string): Promise<string>;
  /** Returns `GuestMessage[]` as JSON and forgets them. */
  drain(): string;
  /** Returns what the module exports by default, as JSON without functions. */
  describe(): string;
}
