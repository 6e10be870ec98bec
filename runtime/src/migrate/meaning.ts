/** What a script for keepalived does, in words that a plugin can be written from. */

export interface Request {
  readonly url: string;
  readonly timeoutMs: number;
  /** Whether redirects are followed. */
  readonly follow: boolean;
}

/** What may be asked. */
export type Condition =
  /** Whether no process of this name runs. */
  | { readonly type: "no process"; readonly name: string }
  /** Whether a web server does not answer with this status, or at all. */
  | {
      readonly type: "not status";
      readonly request: Request;
      /** Undefined: any status below 400. */
      readonly status: number | undefined;
    }
  | { readonly type: "not"; readonly condition: Condition };

/** What may be done. */
export type Step =
  | {
      readonly type: "if";
      readonly condition: Condition;
      readonly consequent: readonly Step[];
      readonly alternative: readonly Step[];
    }
  /** An attempt: whether it succeeds is seen by what is asked next. */
  | {
      readonly type: "service";
      readonly service: string;
      readonly action: "start" | "stop" | "restart";
      /** The command where it is not systemctl's. */
      readonly command: readonly string[] | undefined;
    }
  | { readonly type: "wait"; readonly seconds: number }
  | { readonly type: "log"; readonly text: string }
  /** Unhealthy: a status that is not 0, or an end of keepalived. */
  | { readonly type: "down" }
  | { readonly type: "up" };

/** What a notify script does at an event. */
export type NotifyStep =
  | {
      readonly type: "mail";
      readonly receiver: string;
      readonly subject: readonly TextPart[];
      readonly body: readonly TextPart[];
    }
  | Extract<Step, { readonly type: "service" | "log" }>;

/** A piece of a text: words, or what the event says. */
export type TextPart =
  | { readonly type: "text"; readonly text: string }
  /** `STATE` in capitals. */
  | { readonly type: "name" | "state" | "STATE" | "host" | "time" };

export type Recognition =
  | { readonly type: "check"; readonly steps: readonly Step[] }
  | {
      readonly type: "notifier";
      /** Which argument decides, counted from 1; undefined: the same for all. */
      readonly argument: number | undefined;
      readonly arms: readonly {
        readonly words: readonly string[];
        readonly steps: readonly NotifyStep[];
      }[];
    }
  /** Something in it is not understood. */
  | { readonly type: "unknown" };
