/**
 * What the daemon and the engine say to each other: JSON lines over a unix socket on which the engine listens, so
 * that another daemon can attach later. The engine trusts its peer (the socket is root's alone), the daemon likewise.
 */
import type {
  VirtualAddress,
  VirtualRoute,
  VirtualRouterConfig,
  VirtualRule,
} from "../vrrp/config.ts";
import type { FaultReason, StateName, TrackerState, TransitionReason } from "../vrrp/types.ts";

/** What is there as long as karuntime runs, and does not move. */
export interface StaticHoldings {
  readonly addresses: readonly (VirtualAddress & { readonly device: string })[];
  readonly routes: readonly VirtualRoute[];
  readonly rules: readonly VirtualRule[];
}

export type DaemonToEngine =
  /** Sent once after connecting: which virtual routers this host has. They start at once. */
  | {
      readonly type: "configure";
      readonly virtualRouters: readonly VirtualRouterConfig[];
      readonly holdings: StaticHoldings;
    }
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
  /** Another master that must yield to ours is heard; or it is gone, and the addresses were announced again. */
  | {
      readonly type: "contention";
      readonly virtualRouter: string;
      readonly phase: "began" | "ended";
      readonly rival: string;
      readonly rivalPriority: number;
    }
  | {
      readonly type: "priority";
      readonly virtualRouter: string;
      readonly from: number;
      readonly to: number;
    }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    }
  | { readonly type: "status"; readonly id: number; readonly status: EngineStatus }
  | { readonly type: "pong"; readonly id: number }
  | { readonly type: "stopped" };

export interface EngineStatus {
  readonly pid: number;
  /** The scheduling class that the engine got. */
  readonly scheduling: "SCHED_RR" | "SCHED_OTHER";
  readonly virtualRouters: readonly VirtualRouterStatus[];
  /** Packets that belong to no virtual router of ours, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** How much later than its deadline the engine has acted. Milliseconds. */
  readonly lateness: { readonly lastMs: number; readonly maxMs: number };
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
  /** Whether it waits for the other members of its sync group only. */
  readonly ready: boolean;
  readonly syncGroup: string | undefined;
  readonly version: 2 | 3;
  readonly master:
    | { readonly address: string; readonly priority: number; readonly heardAgoMs: number }
    | undefined;
  readonly addresses: readonly {
    readonly address: string;
    readonly prefixLength: number;
    readonly held: boolean;
    readonly foreign: boolean;
  }[];
  /** Everybody else who advertises on this virtual router's id, the last one heard last. */
  readonly peers: readonly {
    readonly address: string;
    readonly priority: number;
    readonly advertIntervalMs: number;
    readonly addresses: readonly string[];
    /** `accepted`, or why its last advertisement was dropped. */
    readonly verdict: string;
    readonly addressesDiffer: boolean;
    readonly intervalDiffers: boolean;
    readonly heardAgoMs: number;
    readonly advertisements: number;
  }[];
  readonly counters: {
    readonly advertisementsSent: number;
    readonly advertisementsReceived: number;
    readonly priorityZeroSent: number;
    readonly priorityZeroReceived: number;
    readonly becameMaster: number;
    /** Frames of gratuitous ARP or unsolicited neighbour advertisement. */
    readonly announcementsSent: number;
    /** Times that another master was heard while this one was master. */
    readonly contentions: number;
    readonly addressesRestored: number;
    /** Accepted advertisements of version 3 over IPv4, by what their checksum sums. */
    readonly checksumStyles: Readonly<Record<string, number>>;
  };
  /** Advertisements for this virtual router that were dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}
