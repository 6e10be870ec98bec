/** What a virtual router is configured as: parsed values with every default filled in. Times are milliseconds. */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import type { ChecksumStyle } from "../packet/vrrp.ts";

/** An address that moves with the virtual router, or that stays as long as karuntime runs. */
export interface VirtualAddress {
  readonly address: IpAddress;
  /** Length of the on-link prefix in bits; 32 or 128 where the configuration gives none. */
  readonly prefixLength: number;
  /** The interface that carries it; default: the virtual router's. */
  readonly device?: string | undefined;
  /** IPv4: a name for the address, up to 15 characters. */
  readonly label?: string | undefined;
  readonly scope?: "global" | "site" | "link" | "host" | undefined;
  /** IPv4: the broadcast address. */
  readonly broadcast?: IpAddress | undefined;
  /** The far end of a point-to-point address. */
  readonly peer?: IpAddress | undefined;
  /** Seconds for which new connections may use it as a source; 0: never. Default: always. */
  readonly preferredSeconds?: number | undefined;
  /** The kernel makes no route to the prefix. */
  readonly noPrefixRoute?: boolean | undefined;
  /** IPv6: whether the kernel looks for a duplicate before it uses the address, which takes a second. Default false. */
  readonly detectDuplicates?: boolean | undefined;
}

export interface Prefix {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** A route that moves with the virtual router, or that stays as long as karuntime runs. */
export interface VirtualRoute {
  readonly family: AddressFamily;
  readonly destination: "default" | Prefix;
  readonly gateway?: IpAddress | undefined;
  readonly device?: string | undefined;
  readonly source?: IpAddress | undefined;
  readonly table?: number | undefined;
  readonly metric?: number | undefined;
  readonly scope?: "global" | "link" | "host" | undefined;
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit" | undefined;
  readonly onLink?: boolean | undefined;
  readonly mtu?: number | undefined;
}

/** A policy routing rule, likewise. */
export interface VirtualRule {
  readonly family: AddressFamily;
  readonly not?: boolean | undefined;
  readonly from?: Prefix | undefined;
  readonly to?: Prefix | undefined;
  readonly inputInterface?: string | undefined;
  readonly outputInterface?: string | undefined;
  readonly mark?: { readonly value: number; readonly mask: number } | undefined;
  readonly table?: number | undefined;
  readonly action?: "lookup" | "blackhole" | "unreachable" | "prohibit" | undefined;
  readonly preference?: number | undefined;
}

/** A password of RFC 2338's simple authentication, as it goes on the wire: eight octets, padded with zeros. */
export type Password = readonly number[];

export interface HmacKey {
  /** 1..255. */
  readonly id: number;
  /** 32..64 octets. */
  readonly octets: readonly number[];
}

export interface HmacAuthentication {
  readonly type: "HMAC";
  readonly keys: readonly HmacKey[];
  /** The key that we sign with; all of them are accepted. */
  readonly activeKey: number;
  /** `time`: an advertisement must be fresh. `monotonic`: only newer than the last, for hosts without a common clock. */
  readonly antiReplay: "time" | "monotonic";
  readonly timeWindowSeconds: number;
  /** `receive-only`: signs nothing, refuses a wrong trailer. `permissive`: signs, accepts what is unsigned. */
  readonly mode: "enforce" | "permissive" | "receive-only";
}

export type Authentication =
  | { readonly type: "none" }
  | { readonly type: "PASS"; readonly password: Password }
  | { readonly type: "AH"; readonly password: Password }
  | HmacAuthentication;

export interface UnicastPeer {
  readonly address: IpAddress;
  /** Bounds for the time to live of what it sends. */
  readonly minimumTtl: number;
  readonly maximumTtl: number;
}

/** How advertisements travel. */
export type Transport =
  | { readonly type: "multicast"; readonly group: IpAddress; readonly ttl: number }
  | {
      readonly type: "unicast";
      readonly peers: readonly UnicastPeer[];
      readonly ttl: number;
      /** Drop what comes from anybody who is no peer. */
      readonly onlyPeers: boolean;
    };

/** An interface of its own with the virtual MAC address 00:00:5e:00:01 (IPv6: 02):VRID (RFC 9568 section 7.3). */
export interface VirtualMac {
  /** The macvlan's name. */
  readonly interface: string;
  readonly station: readonly number[];
  /** Which of the two interfaces advertisements leave by. */
  readonly sendFrom: "virtual" | "base";
}

export type TrackerKind = "check" | "interface" | "file" | "process";

/** Something outside the protocol whose health counts. */
export interface Tracker {
  /** Unique among all kinds: a check's name, or "interface eth1", "file priority", "process nginx". */
  readonly name: string;
  readonly kind: TrackerKind;
  /** 0: down means FAULT. Positive: added while up. Negative: subtracted while down. A number that it says is multiplied. */
  readonly weight: number;
  /** Turns its sense round: up for down where the weight is 0, minus for plus elsewhere. */
  readonly reverse: boolean;
  /** Interfaces: how long it must be up, or down, before it counts. */
  readonly riseDelayMs?: number | undefined;
  readonly fallDelayMs?: number | undefined;
}

/** Bursts of gratuitous ARP, or of unsolicited neighbour advertisements. */
export interface Announcement {
  /** Frames per address in a burst. */
  readonly count: number;
  /** From becoming master to the second burst; 0: no second one. */
  readonly repeatAfterMs: number;
  /** From one refresh to the next; 0: none. */
  readonly refreshEveryMs: number;
  readonly refreshCount: number;
  /** Between two frames on an interface. */
  readonly gapMs: number;
  /** What another master's advertisement of lower priority brings about. */
  readonly contention: { readonly count: number; readonly repeatAfterMs: number };
}

export interface VirtualRouterConfig {
  readonly name: string;
  readonly interface: string;
  /** Virtual router identifier, 1..255. */
  readonly id: number;
  readonly family: AddressFamily;
  readonly version: 2 | 3;
  /** 1..255; 255 is the address owner. */
  readonly priority: number;
  readonly advertIntervalMs: number;
  /** Advertisements that may be missed before a master counts as gone; 3 in the RFC. */
  readonly missedAdvertisements: number;
  /** `backup` keeps even an address owner listening first. */
  readonly initialState: "backup" | "master";
  readonly startDelayMs: number;
  readonly preempt: boolean;
  /** From the first advertisement of lower priority until its sender's are heeded no more; then the master-down timer runs out. */
  readonly preemptDelayMs: number;
  readonly authentication: Authentication;
  readonly checksumStyle: ChecksumStyle;
  readonly transport: Transport;
  /** The address to send from; default: the interface's primary, for IPv6 its link-local address. */
  readonly sourceAddress: IpAddress | undefined;
  readonly virtualMac: VirtualMac | undefined;
  /** Advertised. */
  readonly addresses: readonly VirtualAddress[];
  /** Held but not advertised; of either family. */
  readonly excludedAddresses: readonly VirtualAddress[];
  readonly routes: readonly VirtualRoute[];
  readonly rules: readonly VirtualRule[];
  /** Whether a master that is not the owner accepts packets to its addresses (RFC 9568 section 6.1, Accept_Mode). */
  readonly accept: boolean;
  /** Whether the virtual router's own interface counts. */
  readonly trackInterface: boolean;
  readonly trackers: readonly Tracker[];
  readonly syncGroup: string | undefined;
  /** Whether the kernel ends the addresses by itself when nobody renews them. */
  readonly lease: boolean;
  /** What happens when somebody else removes one of our addresses. */
  readonly onAddressLost: "restore" | "resign" | "fault";
  /** Whether another address list than ours makes an advertisement unacceptable, as in keepalived 2.2. */
  readonly onAddressMismatch: "accept" | "drop";
  readonly announcement: Announcement;
  /** Whether a master answers an advertisement of lower priority with its own (RFC 9568: it must). */
  readonly answerLowerPriority: boolean;
  /** Whether a master sends one more advertisement before it yields to a higher priority. */
  readonly advertiseBeforeYielding: boolean;
  /** Whether an address owner drops every advertisement. */
  readonly ownerIgnoresAdvertisements: boolean;
}
