/**
 * What a `karuntime.config.ts` imports. It runs inside the isolate that evaluates the configuration, so it imports
 * nothing at run time; its types are what editors complete.
 */

import type {
  NotificationEvent,
  UserCommands,
  UserMail,
  UserNotification,
  VrrpNotificationEvent,
} from "./define-commands.ts";
import type { UserVirtualServer } from "./define-director.ts";
import type { PluginName } from "./define-plugin.ts";
import type { UserCheck, UserFile, UserProcess, UserTrack } from "./define-trackers.ts";

export type * from "./define-commands.ts";
export type * from "./define-director.ts";
export type * from "./define-plugin.ts";
export type * from "./define-trackers.ts";

/** A length of time: a number and its unit, as in `"500ms"`, `"1s"`, `"1.5s"` or `"2m"`. */
export type Duration = `${number}${"ms" | "s" | "m"}`;

/** The whole configuration of one host. `Plugins` are the names of the plugins in it. */
export interface UserConfiguration<Plugins extends string = string> {
  /** The virtual routers of this host by name, the name being what logs and `status` print. */
  readonly virtualRouters: Readonly<Record<string, UserVirtualRouter<Plugins>>>;
  /** Virtual routers that move together: all of them are master here, or none is. */
  readonly syncGroups?: Readonly<Record<string, UserSyncGroup<Plugins>>>;
  /** The checks by name. A check runs only on this host and judges only this host. */
  readonly checks?: Readonly<Record<string, UserCheck<Plugins>>>;
  /** Files whose number counts, by name. */
  readonly files?: Readonly<Record<string, UserFile>>;
  /** Processes whose number counts, by name. */
  readonly processes?: Readonly<Record<string, UserProcess>>;
  /** What is there as long as karuntime runs, and does not move. */
  readonly static?: {
    readonly addresses?: readonly {
      readonly device: string;
      readonly addresses: readonly UserAddress[];
    }[];
    readonly routes?: readonly UserRoute[];
    readonly rules?: readonly UserRule[];
  };
  /** Who is told of what every virtual router and sync group does and, where `on` asks for it, every virtual server. */
  readonly notify?: readonly UserNotification<NotificationEvent, Plugins>[];
  /** How mail is sent: what `{ mail: true }` needs. */
  readonly mail?: UserMail;
  /** How commands run: those of checks and of notifications. */
  readonly commands?: UserCommands;
  /** How to act on services where systemd does not run: a command for each action, by service name. */
  readonly services?: Readonly<Record<string, UserService>>;
  /** Passwords and the like for plugins that are granted them: `{ redis: env("REDIS_PASSWORD") }`. Kept out of logs and of `validate --print`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The processes that plugins run in. */
  readonly sandbox?: UserSandbox;
  /**
   * Services that are spread over real servers. Plugins check these, and who is to be told is told; nothing spreads the
   * traffic yet.
   */
  readonly virtualServers?: Readonly<Record<string, UserVirtualServer<Plugins>>>;
}

/** One virtual router (RFC 9568, RFC 3768): a set of addresses that one of several hosts holds at a time. */
export interface UserVirtualRouter<Plugins extends string = string> {
  /** The network interface that carries the addresses and the advertisements. */
  readonly interface: string;
  /** Virtual router identifier, 1..255; the same on all hosts of the group and different from every other group on the network. */
  readonly id: number;
  /** Version of the protocol, the same on all hosts. Default: 2 for IPv4 as keepalived has it, 3 for IPv6. */
  readonly version?: 2 | 3;
  /** 1..254, higher wins; 255 only for the host that owns the addresses. Default 100. */
  readonly priority?: number;
  /** Time between advertisements of the master. Version 2: whole seconds up to 255s, equal on all hosts. Version 3: 10ms to 40.95s. Default "1s". */
  readonly advertInterval?: Duration;
  /** Advertisements that may be missed before a master counts as gone, 1..100. Default 3. */
  readonly missedAdvertisements?: number;
  /** "backup": even the owner of the addresses listens first. Default "master", which changes nothing for others. */
  readonly initialState?: "backup" | "master";
  /** Time from the start of karuntime to taking part. Default "0s". */
  readonly startDelay?: Duration;
  /** Time from the boot of the machine to taking part; the later of the two counts. Default "0s". */
  readonly startDelayAfterBoot?: Duration;
  /** Whether a host with a higher priority takes the addresses back from a living master. Default true. */
  readonly preempt?: boolean;
  /** How long a master of lower priority is let be, up to 1000s. Default "0s". */
  readonly preemptDelay?: Duration;
  /** Default: none, as the RFC has it. */
  readonly authentication?: UserAuthentication;
  /** Version 3 over IPv4: what the checksum sums. "message" is RFC 9568's, "pseudo-header" is keepalived's and FRR's; both are accepted. Default "pseudo-header". */
  readonly checksum?: "pseudo-header" | "message";
  /** Default: to 224.0.0.18 or ff02::12 with a TTL of 255. */
  readonly multicast?: { readonly group?: string; readonly ttl?: number };
  /** Advertisements go to each of these hosts instead of a group. */
  readonly unicast?: {
    /** Their addresses. */
    readonly peers: readonly (
      | string
      /** Bounds for the TTL of what this peer sends; 0..255. */
      | { readonly address: string; readonly minimumTtl?: number; readonly maximumTtl?: number }
    )[];
    /** Default 255. */
    readonly ttl?: number;
    /** Drop what comes from anybody else. Default false; true where a peer has bounds. */
    readonly onlyPeers?: boolean;
  };
  /** The address to send from. Default: the interface's primary address, for IPv6 its link-local one. */
  readonly sourceAddress?: string;
  /** Put the addresses on an interface of its own with the MAC address 00:00:5e:00:01 (IPv6: 02):VRID. Default false. */
  readonly virtualMac?:
    | boolean
    | {
        /** Its name. Default "vrrp.ID", for IPv6 "vrrp6.ID". */
        readonly interface?: string;
        /** Another MAC address, as "00:00:5e:00:01:33". */
        readonly address?: string;
        /** Which interface advertisements leave by. Default "virtual". */
        readonly sendFrom?: "virtual" | "base";
      };
  /** The virtual addresses, all of one family; the first IPv6 address is link-local. */
  readonly addresses: readonly UserAddress[];
  /** Further ones that advertisements do not name; of either family. */
  readonly excludedAddresses?: readonly UserAddress[];
  /** Routes that move with the addresses. */
  readonly routes?: readonly UserRoute[];
  /** Rules for routing that move with them. */
  readonly rules?: readonly UserRule[];
  /** Whether a master that is not the owner accepts packets to the addresses. Default true; in strict mode false. */
  readonly accept?: boolean;
  /** Refuse whatever the RFC does not have, as keepalived's vrrp_strict. Default false. */
  readonly strict?: boolean;
  /** What counts for the priority. */
  readonly track?: UserTrack & {
    /** Whether the virtual router's own interface counts. Default true. */
    readonly interface?: boolean;
  };
  /** Whether the kernel removes the addresses by itself when karuntime dies or hangs. Default true. */
  readonly lease?: boolean;
  /** When somebody else removes an address: put it back, resign and be elected again, or go into FAULT for a while. Default "restore". */
  readonly onAddressLost?: "restore" | "resign" | "fault";
  /** Whether a master with another list of addresses is believed (with a warning). Default "accept". */
  readonly onAddressMismatch?: "accept" | "drop";
  /** Gratuitous ARP, and unsolicited neighbour advertisements for IPv6. */
  readonly gratuitousArp?: {
    /** Frames per address in a burst, 1..255. Default 5. */
    readonly count?: number;
    /** Time from becoming master to the second burst; "0s" for none. Default "5s". */
    readonly repeatAfter?: Duration;
    /** Time from one refresh to the next; "0s" for none. Default "0s". */
    readonly refreshEvery?: Duration;
    /** Frames per address in a refresh. Default 1. */
    readonly refreshCount?: number;
    /** Time between two frames on an interface. Default "0ms". */
    readonly gap?: Duration;
    /** What another master of lower priority brings about. Default: as above. */
    readonly onContention?: { readonly count?: number; readonly repeatAfter?: Duration };
  };
  /** Whether a master answers a lower priority with an advertisement at once. Default true. */
  readonly answerLowerPriority?: boolean;
  /** Whether a master advertises once more before it yields to a higher priority. Default false. */
  readonly advertiseBeforeYielding?: boolean;
  /** Whether the owner of the addresses (priority 255) drops every advertisement. Default false. */
  readonly ownerIgnoresAdvertisements?: boolean;
  /** Who is told of what this virtual router does. */
  readonly notify?: readonly UserNotification<VrrpNotificationEvent, Plugins>[];
}

/** How the virtual routers of a group know each other. */
export type UserAuthentication =
  | { readonly type: "none" }
  /** A password of up to 8 octets, as keepalived's `auth_type PASS` sends it: in the clear. It keeps strangers out by accident, not by intent. Version 2. */
  | { readonly type: "PASS"; readonly password: string }
  /** The IP authentication header with a password of up to 8 octets. Version 2. */
  | { readonly type: "AH"; readonly password: string }
  /** A trailer with HMAC-SHA256 (draft-cassen-vrrp-auth-hmac, keepalived 2.4). Either version, either family. */
  | {
      readonly type: "HMAC";
      /** All are accepted. An id is 1..255; a key is 32 to 64 octets, as text or as "hex:" and digits. */
      readonly keys: readonly { readonly id: number; readonly key: string }[];
      /** The key to sign with. Default: the first. */
      readonly activeKey?: number;
      /** "monotonic" where the hosts have no common clock. Default "time". */
      readonly antiReplay?: "time" | "monotonic";
      /** How old an advertisement may be, 1s..300s. Default: three intervals, at least 5s. */
      readonly timeWindow?: Duration;
      /** For introducing it: first "receive-only" everywhere, then "permissive", then "enforce". Default "enforce". */
      readonly mode?: "enforce" | "permissive" | "receive-only";
    };

/** As `"192.0.2.10/24"` or `"2001:db8::10/64"`; without a prefix length it is the address alone. */
export type UserAddress =
  | string
  | {
      readonly address: string;
      /** Default: the virtual router's interface. */
      readonly device?: string;
      /** IPv4: a name for the address, up to 15 characters. */
      readonly label?: string;
      readonly scope?: "global" | "site" | "link" | "host";
      readonly broadcast?: string;
      readonly peer?: string;
      /** Seconds for which new connections may start from it; 0: never. Default: always. */
      readonly preferredSeconds?: number;
      readonly noPrefixRoute?: boolean;
      /** IPv6: let the kernel look for a duplicate first, which takes a second. Default false. */
      readonly detectDuplicates?: boolean;
    };

/** A route that is there while this host is master, as `ip route` has it. */
export interface UserRoute {
  /** "default", or a prefix such as "198.51.100.0/24". */
  readonly to: string;
  /** The next hop. */
  readonly via?: string;
  readonly device?: string;
  /** The source address of packets that leave by it. */
  readonly source?: string;
  /** Default: the main table, 254. */
  readonly table?: number;
  readonly metric?: number;
  readonly scope?: "global" | "link" | "host";
  readonly type?: "unicast" | "blackhole" | "unreachable" | "prohibit";
  readonly onLink?: boolean;
  readonly mtu?: number;
  /** Needed where no address tells it. */
  readonly family?: "ipv4" | "ipv6";
}

/** A rule for routing that is there while this host is master, as `ip rule` has it. */
export interface UserRule {
  readonly from?: string;
  readonly to?: string;
  readonly inputInterface?: string;
  readonly outputInterface?: string;
  readonly mark?: { readonly value: number; readonly mask?: number };
  readonly table?: number;
  /** Default "lookup". */
  readonly action?: "lookup" | "blackhole" | "unreachable" | "prohibit";
  readonly preference?: number;
  readonly not?: boolean;
  readonly family?: "ipv4" | "ipv6";
}

/** Virtual routers that move together. */
export interface UserSyncGroup<Plugins extends string = string> {
  /** Names of virtual routers. */
  readonly members: readonly string[];
  /** Counts for every member. */
  readonly track?: UserTrack;
  /** Who is told of what the group does. */
  readonly notify?: readonly UserNotification<VrrpNotificationEvent, Plugins>[];
}

/** For each action the command and its arguments, run as root without a shell; `status` exits 0 when the service runs. */
export interface UserService {
  readonly start?: readonly string[];
  readonly stop?: readonly string[];
  readonly restart?: readonly string[];
  readonly status?: readonly string[];
}

/** The processes that plugins run in. */
export interface UserSandbox {
  /** The user that plugins run as: a name of /etc/passwd or `"uid:gid"`. Default: `karuntime` if it exists, else `nobody`. */
  readonly user?: string;
  /**
   * The memory that one sandbox host may use for itself, as in "256MB"; what is too large in it is ended. Default "128MB", and
   * 2 MB for each plugin and 0.5 MB for each check beyond 16 of them.
   */
  readonly memory?: `${number}MB` | `${number}GB`;
  /** A host that has only notifiers starts with an event and ends after so long without, 1s..1h. Default "10m". */
  readonly idleAfter?: Duration;
  /**
   * Packages that share a host, by the group's name; "operator" is the group of your own files. Every other package has a
   * host of its own. Plugins of one group cannot see each other, but a fault of one may cost the others an invocation.
   */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Declares the configuration; returns it unchanged, for its types.
 *
 * @example
 * // karuntime.config.ts
 * import { defineConfig, env } from "karuntime/config";
 *
 * export default defineConfig({
 *   checks: { nginx: { command: ["/usr/bin/pgrep", "-x", "nginx"], interval: "2s", weight: -20 } },
 *   virtualRouters: {
 *     VI_1: {
 *       interface: "eth0",
 *       id: 51,
 *       priority: Number(env("PRIORITY", "100")),
 *       addresses: ["192.0.2.100/24"],
 *       track: { checks: ["nginx"] },
 *     },
 *   },
 * });
 */
export function defineConfig<const Plugins extends PluginName = never>(
  configuration: UserConfiguration<Plugins>,
): UserConfiguration {
  return configuration;
}

/**
 * The value of an environment variable of `karuntime start`.
 *
 * @param name the variable.
 * @param fallback used when the variable is not set.
 * @throws Error when the variable is not set and there is no fallback: the configuration does not load.
 */
export function env(name: string, fallback?: string): string {
  const environment = (
    globalThis as { readonly __karuntimeEnvironment?: Readonly<Record<string, string>> }
  ).__karuntimeEnvironment;
  const value =
    environment !== undefined && Object.hasOwn(environment, name) ? environment[name] : fallback;
  if (value === undefined) {
    throw new Error(
      `the environment variable ${name} is not set; set it, or give env("${name}", ...) a second argument`,
    );
  }
  return value;
}
