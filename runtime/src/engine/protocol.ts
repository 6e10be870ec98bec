/**
 * What the daemon and the engine say to each other: JSON lines over a unix socket on which the engine listens, so
 * that another daemon can attach later. The engine trusts its peer (the socket is root's alone), the daemon likewise.
 */
import type {
  FaultReason,
  StateName,
  TrackerState,
  TransitionReason,
  VirtualRouterConfig,
} from "../vrrp/types.ts";

export type DaemonToEngine =
  /** Sent once after connecting: which virtual routers this host has. They start at once. */
  | { readonly type: "configure"; readonly virtualRouters: readonly VirtualRouterConfig[] }
  /** What a tracker says now, for every virtual router that tracks it. */
  | { readonly type: "tracker"; readonly name: string; readonly state: TrackerState }
  | { readonly type: "status"; readonly id: number }
  /** Answered by `pong` as soon as the engine comes round to it. */
  | { readonly type: "ping"; readonly id: number }
  /** Resign everywhere (priority 0), remove the addresses, answer `stopped`, exit with status 0. */
  | { readonly type: "stop" };

export type EngineToDaemon =
  | { readonly type: "configured" }
  | {
      readonly type: "transition";
      readonly virtualRouter: string;
      readonly from: StateName;
      readonly to: StateName;
      readonly reason: TransitionReason;
      readonly priority: number;
      readonly faults: readonly FaultReason[];
    }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly type: "status"; readonly id: number; readonly status: EngineStatus }
  | { readonly type: "pong"; readonly id: number }
  | { readonly type: "pong"; readonly id: number }
  | { readonly type: "stopped" };

export interface EngineStatus {
  readonly pid: number;
  /** The scheduling class that the engine got. */
  readonly scheduling: "SCHED_RR" | "SCHED_OTHER";
  readonly virtualRouters: readonly VirtualRouterStatus[];
  /** Packets that belong to no virtual router of ours, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

export interface VirtualRouterStatus {
  readonly name: string;
  readonly interface: string;
  readonly id: number;
  readonly state: StateName;
  /** Milliseconds since this state was entered. */
  readonly stateAgeMs: number;
  readonly reason: TransitionReason;
  readonly faults: readonly FaultReason[];
  /** The sum and its parts: effective priority = base + the parts, within 1..254 (255 stays). */
  readonly priority: {
    readonly effective: number;
    readonly base: number;
    readonly parts: readonly {
      readonly tracker: string;
      readonly state: TrackerState;
      readonly amount: number;
    }[];
  };
  readonly master:
    | { readonly address: string; readonly priority: number; readonly heardAgoMs: number }
    | undefined;
  readonly addresses: readonly {
    readonly address: string;
    readonly prefixLength: number;
    readonly held: boolean;
    readonly foreign: boolean;
  }[];
  readonly counters: {
    readonly advertisementsSent: number;
    readonly advertisementsReceived: number;
    readonly priorityZeroSent: number;
    readonly priorityZeroReceived: number;
    readonly becameMaster: number;
    readonly gratuitousArpSent: number;
  };
  /** Advertisements for this virtual router that were dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}
