/**
 * The vocabulary of the protocol (RFC 9568, RFC 3768): what a virtual router is told, what it remembers and
 * what it asks for. Times are milliseconds of one monotonic clock, handed in with each event; nothing here reads a clock.
 */
import type { IpAddress } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import type { VirtualRouterConfig } from "./config.ts";

/** `unknown`: no result yet, which holds back a virtual router whose weight for it is 0. A number: what a file or a check says. */
export type TrackerState = "unknown" | "up" | "down" | number;

export type FaultReason =
  | { readonly type: "interface-missing" }
  | { readonly type: "interface-down" }
  | { readonly type: "no-source-address" }
  | { readonly type: "tracker-unknown"; readonly tracker: string }
  | { readonly type: "tracker-down"; readonly tracker: string }
  /** Another member of the sync group is in FAULT by itself. */
  | { readonly type: "sync-group"; readonly member: string }
  | { readonly type: "address-lost"; readonly address: IpAddress }
  | { readonly type: "address-refused"; readonly address: IpAddress; readonly reason: string };

/** Another router, as its advertisements show it. */
export interface Heard {
  readonly address: IpAddress;
  readonly priority: number;
  readonly heardAtMs: number;
}

/** Where the virtual router stands in the protocol; each state carries its own deadlines and nothing of the others. */
export type ProtocolState =
  /** `startAtMs`: when a start that was asked for takes place. */
  | { readonly type: "initialize"; readonly startAtMs: number | undefined }
  /** `retryAtMs`: when a fault ends that only time can end. */
  | {
      readonly type: "fault";
      readonly reasons: readonly FaultReason[];
      readonly retryAtMs: number | undefined;
    }
  | {
      readonly type: "backup";
      /** Undefined once it has expired: the others of the sync group are not ready yet. */
      readonly masterDownAtMs: number | undefined;
      /** The master's interval, learnt from it (version 3); our own until then. */
      readonly masterIntervalMs: number;
      /** What the master last claimed, if it was shorter: believed when it claims it again. */
      readonly claimedIntervalMs: number | undefined;
      /** Since when a master of lower priority has been heard that a preempt delay lets be. */
      readonly inferiorSinceMs: number | undefined;
      /** The master last heard, if any. Priority 0: it resigned. */
      readonly master: Heard | undefined;
    }
  | {
      readonly type: "master";
      readonly advertiseAtMs: number;
      /** When a burst of announcements is due that follows an earlier one. */
      readonly announceAtMs: number | undefined;
      readonly refreshAtMs: number | undefined;
      /** Until when others are not answered again, by an advertisement or by a burst: it was done a moment ago. */
      readonly answerAgainAtMs: number;
      readonly contendAgainAtMs: number;
      /** When the leases are renewed; undefined where there are none. */
      readonly renewAtMs: number | undefined;
      /** Another master that must yield to us, and when it counts as gone. */
      readonly rival: (Heard & { readonly goneAtMs: number }) | undefined;
    };

export type StateName = ProtocolState["type"];

/** What the interface offers. `source` is the address that our advertisements are sent from. */
export type LinkState =
  | { readonly type: "missing" }
  | { readonly type: "down" }
  | { readonly type: "up"; readonly source: IpAddress | undefined };

/** One virtual router: what it was configured as, what it knows of its surroundings, and its protocol state. */
export interface VirtualRouter {
  readonly config: VirtualRouterConfig;
  readonly link: LinkState;
  /** By tracker's name. A tracker without an entry is `unknown`. */
  readonly trackers: Readonly<Record<string, TrackerState>>;
  /** The first other member of the sync group that is in FAULT by itself. */
  readonly faultyMember: string | undefined;
  readonly protocol: ProtocolState;
}

export type VirtualRouterEvent =
  /** Leaves `initialize`. */
  | { readonly type: "start" }
  /** An advertisement that admission accepted. `source` is the sender's address. */
  | {
      readonly type: "advertisement";
      readonly advertisement: Advertisement;
      readonly source: IpAddress;
    }
  /** Time passed: act on every deadline that is over. */
  | { readonly type: "tick" }
  | { readonly type: "tracker"; readonly name: string; readonly state: TrackerState }
  | { readonly type: "link"; readonly link: LinkState }
  /** Somebody else removed one of our addresses from the interface while we are master. */
  | { readonly type: "address-lost"; readonly address: IpAddress }
  /** The kernel refused an address. The reason is for the reader. */
  | { readonly type: "address-refused"; readonly address: IpAddress; readonly reason: string }
  /** All members of the sync group are ready. */
  | { readonly type: "promote" }
  /** Another member of the sync group is not master any more. */
  | { readonly type: "yield" }
  | { readonly type: "faulty-member"; readonly member: string | undefined }
  /** Resign and stop. */
  | { readonly type: "shutdown" };

/** Why a state was entered; `status` and the log print it. */
export type TransitionReason =
  | "start"
  | "master-down timer expired"
  | "address owner"
  | "master resigned"
  | "higher priority heard"
  | "equal priority and higher address heard"
  | "fault"
  | "fault cleared"
  | "address lost"
  | "woke up late"
  | "sync group"
  | "shutdown";

/** What is worth a log line, without consequences for the protocol. */
export type Notice =
  | { readonly type: "woke-up-late"; readonly lateMs: number }
  | { readonly type: "same-priority-and-address"; readonly source: IpAddress }
  | { readonly type: "address-lost"; readonly address: IpAddress }
  | {
      readonly type: "interval-claimed";
      readonly source: IpAddress;
      readonly fromMs: number;
      readonly toMs: number;
    }
  /** Priority 0 from somebody who is not the master: without effect. */
  | { readonly type: "stranger-resigned"; readonly source: IpAddress }
  /** The master that had resigned advertises on: somebody may have resigned in its name. */
  | { readonly type: "resignation-revoked"; readonly source: IpAddress };

/** What the virtual router wants done, in this order. State has changed before they are performed. */
export type Effect =
  | { readonly type: "send-advertisement"; readonly advertisement: Advertisement }
  /** Put all addresses on the interface (leased for `leaseSeconds`, or for ever when undefined), then routes and rules. */
  | { readonly type: "add-addresses"; readonly leaseSeconds: number | undefined }
  | { readonly type: "renew-addresses"; readonly leaseSeconds: number }
  | { readonly type: "remove-addresses" }
  /** One burst: `count` frames for each address, once the addresses are there. */
  | { readonly type: "announce"; readonly count: number }
  | {
      readonly type: "transition";
      readonly from: StateName;
      readonly to: StateName;
      readonly reason: TransitionReason;
      readonly priority: number;
      readonly faults: readonly FaultReason[];
    }
  | { readonly type: "priority-changed"; readonly from: number; readonly to: number }
  /** Another master of lower rank is heard while we are master; or it is gone, and the addresses were announced again. */
  | {
      readonly type: "contention";
      readonly phase: "began" | "ended";
      readonly rival: IpAddress;
      readonly priority: number;
    }
  | { readonly type: "notice"; readonly notice: Notice };

/** Why an advertisement was dropped; each is a counter. */
export type AdmissionDropReason =
  | "ttl not 255"
  | "ttl out of the peer's range"
  | "not sent to the group"
  | "not from a peer"
  | "own advertisement"
  | "virtual router not configured here"
  | "version mismatch"
  | "authentication type mismatch"
  | "password mismatch"
  | "advertisement interval mismatch"
  | "address list mismatch"
  | "owner ignores advertisements"
  | "authentication header missing"
  | "authentication header malformed"
  | "authentication header wrong"
  | "authentication header replayed"
  | "authentication header too far ahead"
  | "hmac missing"
  | "hmac unexpected"
  | "hmac malformed"
  | "hmac key unknown"
  | "hmac wrong"
  | "hmac stale"
  | "hmac replayed";
