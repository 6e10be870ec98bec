/**
 * A scenario is plain data: who takes part, and what is done to them at which time. All else follows from it, so that it
 * can be printed, made smaller and run again.
 */
import type { Quality } from "./network.ts";

/** One virtual router on all nodes; the lists are by node. */
export interface RouterSetup {
  readonly id: number;
  readonly missedAdvertisements: number;
  readonly priorities: readonly number[];
  readonly intervalsMs: readonly number[];
  readonly preempts: readonly boolean[];
  readonly preemptDelaysMs: readonly number[];
  /** Of the one tracker that there is: 0 means that down is FAULT. */
  readonly weight: number;
}

export interface NodeSetup {
  /** The last octet of its address. */
  readonly host: number;
  /** Milliseconds of its clock per millisecond, and what its clock shows at the beginning. */
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  /** The order in which it learns of its interface and starts. */
  readonly startsFirst: boolean;
}

export interface Setup {
  readonly seed: number;
  /** Advertisements travel as packets, through `packetsFor` and `RouterSet.receive`. */
  readonly bytes: boolean;
  /** All times are sums of binary fractions: what is due at the same time is due at exactly the same time. */
  readonly exact: boolean;
  readonly version: 2 | 3;
  readonly family: "ipv4" | "ipv6";
  readonly authentication: "none" | "PASS" | "AH" | "HMAC";
  readonly nodes: readonly NodeSetup[];
  readonly routers: readonly RouterSetup[];
  /** All virtual routers in one sync group. */
  readonly grouped: boolean;
  readonly startDelayMs: number;
  readonly initialState: "backup" | "master";
  readonly onAddressLost: "restore" | "resign" | "fault";
  readonly lease: boolean;
  readonly answerLowerPriority: boolean;
  readonly advertiseBeforeYielding: boolean;
  readonly ownerIgnoresAdvertisements: boolean;
  readonly network: Quality;
  /** How late a timer may fire while nothing is wrong. */
  readonly latenessMs: number;
  readonly endMs: number;
}

export type Action = { readonly atMs: number } & (
  | { readonly type: "start" | "crash" | "shutdown"; readonly node: number }
  /** Stops the process; `inbox`: how many packets wait for it, the others are lost. */
  | { readonly type: "pause"; readonly node: number; readonly inbox: number }
  /** `timersFirst`: what it sees first, that time passed or what arrived. */
  | { readonly type: "resume"; readonly node: number; readonly timersFirst: boolean }
  /** Stops the process until its next deadline is over by exactly so many of its intervals. */
  | {
      readonly type: "oversleep";
      readonly node: number;
      readonly intervals: number;
      readonly inbox: number;
      readonly timersFirst: boolean;
    }
  | { readonly type: "tracker"; readonly node: number; readonly up: boolean }
  | { readonly type: "link"; readonly node: number; readonly up: boolean }
  | {
      readonly type: "address-lost" | "address-refused";
      readonly node: number;
      readonly router: number;
    }
  | {
      readonly type: "reload";
      readonly node: number;
      readonly router: number;
      readonly priority: number;
      readonly preempt: boolean;
    }
  | { readonly type: "cut"; readonly from: number; readonly to: number }
  | { readonly type: "lossy"; readonly from: number; readonly to: number; readonly rate: number }
  | { readonly type: "slow"; readonly from: number; readonly to: number; readonly ms: number }
  /** Those on one side hear nothing of the others, nor they of them. */
  | { readonly type: "partition"; readonly side: readonly number[] }
  | { readonly type: "heal" }
);

export interface Scenario {
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

/** One line for the setup, then one for each action. */
export function toLines({ setup, actions }: Scenario): string {
  return [setup, ...actions].map((line) => JSON.stringify(line)).join("\n");
}

export function fromLines(text: string): Scenario {
  const [setup, ...actions] = text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): unknown => JSON.parse(line));
  if (setup === undefined) throw new Error("no scenario: the first line is its setup");
  // Written by `toLines`, to be read by the same version.
  return { setup: setup as Setup, actions: actions as Action[] };
}
