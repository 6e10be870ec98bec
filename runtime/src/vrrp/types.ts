/**
 * The vocabulary of the protocol (RFC 3768; words of RFC 9568): what a virtual router is told, what it remembers and
 * what it asks for. Times are milliseconds of one monotonic clock, handed in with each event; nothing here reads a clock.
 */
import type { Ipv4Address } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";

/** An address that moves with the virtual router. */
export interface VirtualAddress {
  readonly address: Ipv4Address;
  /** Length of the on-link prefix in bits; 32 where the configuration gives none. */
  readonly prefixLength: number;
}

/** A password of RFC 2338's simple authentication, as it goes on the wire: eight octets, padded with zeros. */
export type Authentication =
  | { readonly type: "none" }
  | { readonly type: "PASS"; readonly password: readonly number[] };

/** Something outside the protocol whose health counts: a check, and later an interface, a file, a process. */
export interface Tracker {
  readonly name: string;
  /** 0: down means FAULT. Positive: added while up. Negative: subtracted while down. Range -253..253. */
  readonly weight: number;
}

export interface VirtualRouterConfig {
  readonly name: string;
  readonly interface: string;
  /** Virtual router identifier, 1..255. */
  readonly id: number;
  /** Wire version. Version 3 will be a further member. */
  readonly version: 2;
  /** 1..255; 255 is the address owner. */
  readonly priority: number;
  readonly advertIntervalMs: number;
  readonly preempt: boolean;
  readonly authentication: Authentication;
  readonly addresses: readonly VirtualAddress[];
  readonly trackers: readonly Tracker[];
  /** Whether the kernel ends the addresses by itself when nobody renews them. */
  readonly lease: boolean;
  /** Frames per address and burst, and the time from the first burst to the second (0: no second). */
  readonly gratuitousArp: { readonly count: number; readonly repeatAfterMs: number };
}

/** `unknown`: no result yet, which holds back a virtual router whose weight for it is 0. */
export type TrackerState = "unknown" | "up" | "down";

export type FaultReason =
  | { readonly type: "interface-missing" }
  | { readonly type: "interface-down" }
  | { readonly type: "no-source-address" }
  | { readonly type: "tracker-unknown"; readonly tracker: string }
  | { readonly type: "tracker-down"; readonly tracker: string };

/** Where the virtual router stands in the protocol; each state carries its own deadlines and nothing of the others. */
export type ProtocolState =
  | { readonly type: "initialize" }
  | { readonly type: "fault"; readonly reasons: readonly FaultReason[] }
  | {
      readonly type: "backup";
      readonly masterDownAtMs: number;
      /** The master last heard, if any. */
      readonly master:
        | { readonly address: Ipv4Address; readonly priority: number; readonly heardAtMs: number }
        | undefined;
    }
  | {
      readonly type: "master";
      readonly advertiseAtMs: number;
      /** When the second burst of gratuitous ARP is due; undefined when none is. */
      readonly announceAtMs: number | undefined;
    };

export type StateName = ProtocolState["type"];

/** What the interface offers. `source` is its primary address: the sender of our advertisements. */
export type LinkState =
  | { readonly type: "missing" }
  | { readonly type: "down" }
  | { readonly type: "up"; readonly source: Ipv4Address | undefined };

/** One virtual router: what it was configured as, what it knows of its surroundings, and its protocol state. */
export interface VirtualRouter {
  readonly config: VirtualRouterConfig;
  readonly link: LinkState;
  /** By tracker's name. A tracker without an entry is `unknown`. */
  readonly trackers: Readonly<Record<string, TrackerState>>;
  readonly protocol: ProtocolState;
}

export type VirtualRouterEvent =
  /** Leaves `initialize`. */
  | { readonly type: "start" }
  /** An advertisement that admission accepted. `source` is the sender's address. */
  | {
      readonly type: "advertisement";
      readonly advertisement: Advertisement;
      readonly source: Ipv4Address;
    }
  /** Time passed: act on every deadline that is over. */
  | { readonly type: "tick" }
  | { readonly type: "tracker"; readonly name: string; readonly state: TrackerState }
  | { readonly type: "link"; readonly link: LinkState }
  /** Somebody else removed one of our addresses from the interface while we are master. */
  | { readonly type: "address-lost"; readonly address: Ipv4Address }
  /** The kernel refused an address. The reason is for the reader. */
  | { readonly type: "address-refused"; readonly address: Ipv4Address; readonly reason: string }
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
  | "shutdown";

/** What the virtual router wants done, in this order. State has changed before they are performed. */
export type Effect =
  | { readonly type: "send-advertisement"; readonly advertisement: Advertisement }
  /** Put all addresses on the interface (leased until `leaseSeconds`, or for ever when undefined). */
  | { readonly type: "add-addresses"; readonly leaseSeconds: number | undefined }
  | { readonly type: "renew-addresses"; readonly leaseSeconds: number }
  | { readonly type: "remove-addresses" }
  /** One burst of gratuitous ARP: `count` frames for each address, once the addresses are there. */
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
  /** Worth a log line, without consequences: a master with the same priority and address, a late timer, ... */
  | { readonly type: "notice"; readonly notice: string };

/** Why an advertisement was dropped; each is a counter. */
export type AdmissionDropReason =
  | "not sent to the multicast group"
  | "own advertisement"
  | "virtual router not configured here"
  | "version mismatch"
  | "authentication type mismatch"
  | "password mismatch"
  | "advertisement interval mismatch";
