/** What counts for the priority: checks, and files, processes and interfaces that are watched without one. */
import type { UserCommand } from "./define-commands.ts";
import type { NoPlugin, UserPlugin } from "./define-plugin.ts";
import type { Duration } from "./define.ts";

/** How a tracker counts: by its own weight, or by another one. Weight 0: down means FAULT. */
interface Weighed {
  readonly weight?: number;
  /** Turns its sense round. */
  readonly reverse?: boolean;
}

/** What counts for the priority: each by its name, or with a weight for here. */
export interface UserTrack {
  /** Checks, by their names in `checks`. */
  readonly checks?: readonly (string | (Weighed & { readonly check: string }))[];
  /** Other interfaces: up or down. */
  readonly interfaces?: readonly (
    | string
    | (Weighed & {
        readonly interface: string;
        /** How long it must be up, or down, before it counts. Default "0s". */
        readonly riseDelay?: Duration;
        readonly fallDelay?: Duration;
      })
  )[];
  /** Files, by their names in `files`. */
  readonly files?: readonly (string | (Weighed & { readonly file: string }))[];
  /** Processes, by their names in `processes`. */
  readonly processes?: readonly (string | (Weighed & { readonly process: string }))[];
}

/** A file with a whole number, which is multiplied by the weight and added to the priority; -254 or less means FAULT. */
export interface UserFile {
  readonly path: string;
  /** -254..254. 0: any number but 0 means FAULT. Default 1. */
  readonly weight?: number;
  /** Turns its sense round. */
  readonly reverse?: boolean;
  /** How long a number must stay before it counts. Default "0s". */
  readonly delay?: Duration;
}

/** Processes by their name: up while as many run as the quorum wants. */
export interface UserProcess {
  readonly name: string;
  /** Its arguments, where they matter. */
  readonly arguments?: readonly string[];
  /** How they are compared: all of them, the first ones, or some in a row. Default "exact". */
  readonly match?: "exact" | "initial" | "partial";
  /** Compare the name with the command as it was started instead of the kernel's 15 characters. Default false. */
  readonly fullCommand?: boolean;
  /** Default 1. */
  readonly quorum?: number;
  /** Default: no limit. */
  readonly quorumMax?: number;
  /** How long the number must have been good, or bad, before it counts. Default "0s". */
  readonly riseDelay?: Duration;
  readonly fallDelay?: Duration;
  /** Default 0. */
  readonly weight?: number;
  readonly reverse?: boolean;
}

/** When a check runs, and what its judgement weighs. */
export type UserCheck<Plugins extends string = string> = UserCheckTiming &
  (
    | (UserPlugin<Plugins> & {
        /** What a plugin made by `defineChecker` looks at, as in "192.0.2.10:80". */
        readonly target?: string;
      })
    | (UserCommand & NoPlugin)
  );

/** When it runs, and what its judgement weighs. */
interface UserCheckTiming {
  /** Time from start to start of an invocation, 10ms..1h; an invocation still running is not overlapped. Default "1s". */
  readonly interval?: Duration;
  /** Time after which an invocation counts as failed, 10ms..1h. Default: the interval. */
  readonly timeout?: Duration;
  /** Successes in a row until the check is up. Default 1. */
  readonly rise?: number;
  /** Failures in a row until the check is down. Default 1. */
  readonly fall?: number;
  /** 0: down means FAULT, the host gives the addresses up. Positive: added to the priority while up; negative: subtracted while down. -253..253, default 0. */
  readonly weight?: number;
  /** Turns its sense round. */
  readonly reverse?: boolean;
  /**
   * What an invocation says that did not judge: that threw, timed out, ran out of memory, or could not be run. "down": it
   * failed. "hold": nothing; the state stays, and the fault is logged. Before the first judgement it is down in any case. Default "down".
   */
  readonly onFault?: "down" | "hold";
  /** "down": as if it had failed before its first run. Default "unknown": the first result decides alone. */
  readonly initialState?: "unknown" | "down";
}
