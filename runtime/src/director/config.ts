/** What a virtual server is configured as: parsed values with every default filled in. Times are milliseconds. */
import type { AddressFamily, IpAddress } from "../packet/address.ts";

/** What clients ask for. */
export type VirtualService =
  /** Port 0: every port, which needs persistence. */
  | { readonly type: "address"; readonly address: IpAddress; readonly port: number }
  /** Every address from the first to the last. */
  | {
      readonly type: "range";
      readonly first: IpAddress;
      readonly last: IpAddress;
      readonly port: number;
    }
  | { readonly type: "mark"; readonly mark: number; readonly family: AddressFamily | undefined };

export type ForwardingMethod =
  | { readonly type: "NAT" }
  | { readonly type: "DR" }
  | {
      readonly type: "TUN";
      readonly encapsulation: "ipip" | "gre" | "gue";
      /** The destination port of gue. */
      readonly port: number | undefined;
      readonly checksum: "none" | "checksum" | "remote";
    };

/** The schedulers of IPVS, by the names of ipvsadm(8). */
export const SCHEDULERS = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "lblcr",
  "sh",
  "mh",
  "dh",
  "fo",
  "ovf",
  "sed",
  "nq",
  "twos",
] as const;
export type Scheduler = (typeof SCHEDULERS)[number];

export interface CommandLine {
  readonly argv: readonly string[];
  readonly user: string | undefined;
}

export interface Persistence {
  readonly timeoutMs: number;
  /** The length of the prefix that counts as one client. */
  readonly granularity: number;
  readonly engine: string | undefined;
}

export interface SorryServer {
  readonly address: IpAddress;
  readonly port: number;
  readonly forwarding: ForwardingMethod;
  /** Weight 0 instead of removal while it is not needed. */
  readonly inhibit: boolean;
}

/** When a checker runs, and how often it must fail. */
export interface CheckerTiming {
  readonly intervalMs: number;
  /** Attempts after a failure, before the real server is down. */
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly warmupMs: number;
  readonly timeoutMs: number;
  readonly startsDown: boolean;
}

/** Where a checker connects to and from; the real server's address and port unless it says otherwise. */
export interface CheckerConnection {
  readonly address: IpAddress | undefined;
  readonly port: number | undefined;
  readonly sourceAddress: IpAddress | undefined;
  readonly sourcePort: number | undefined;
  readonly interface: string | undefined;
  readonly mark: number | undefined;
}

export interface HttpUrl {
  readonly path: string;
  /** MD5 of the body, in hexadecimal digits. */
  readonly digest: string | undefined;
  readonly statusCodes: readonly { readonly first: number; readonly last: number }[];
  readonly host: string | undefined;
  readonly pattern:
    | {
        readonly text: string;
        readonly options: readonly string[];
        /** Up only when it is not found. */
        readonly absent: boolean;
        readonly fromOffset: number | undefined;
        readonly toOffset: number | undefined;
      }
    | undefined;
}

export type CheckerKind =
  /** As the configuration names it: a file, or a package. */
  | { readonly type: "plugin"; readonly plugin: string }
  | { readonly type: "tcp" }
  | {
      readonly type: "http";
      readonly tls: boolean;
      readonly protocol: "1.0" | "1.0C" | "1.1";
      readonly host: string | undefined;
      readonly serverName: string | undefined;
      readonly fastRecovery: boolean;
      readonly urls: readonly HttpUrl[];
    }
  | { readonly type: "smtp"; readonly helo: string }
  | { readonly type: "dns"; readonly recordType: string; readonly name: string }
  | { readonly type: "command"; readonly command: CommandLine; readonly dynamicWeight: boolean }
  | { readonly type: "ping" }
  | {
      readonly type: "udp";
      /** Hexadecimal digits. */
      readonly payload: string | undefined;
      readonly reply:
        | {
            readonly pattern: string | undefined;
            readonly minimumLength: number;
            readonly maximumLength: number;
          }
        | undefined;
    }
  | {
      readonly type: "file";
      readonly file: string;
      readonly weight: number | undefined;
      readonly reverse: boolean;
    };

export type CheckerConfig = CheckerKind & CheckerTiming & CheckerConnection;

export interface RealServerConfig {
  readonly address: IpAddress;
  readonly port: number;
  readonly weight: number;
  readonly forwarding: ForwardingMethod;
  /** Connections above which it gets no new ones, and below which it gets them again; 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Weight 0 instead of removal while it is down. */
  readonly inhibitOnFailure: boolean;
  readonly onUp: CommandLine | undefined;
  readonly onDown: CommandLine | undefined;
  readonly mail: boolean;
  /** Up only when all of them say so. */
  readonly checkers: readonly CheckerConfig[];
}

export interface VirtualServerConfig {
  readonly name: string;
  readonly services: readonly VirtualService[];
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly scheduler: Scheduler;
  readonly schedulerFlags: readonly string[];
  readonly onePacket: boolean;
  readonly forwarding: ForwardingMethod;
  readonly persistence: Persistence | undefined;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly onQuorumUp: CommandLine | undefined;
  readonly onQuorumDown: CommandLine | undefined;
  /** Run the commands for down at the stop. */
  readonly omega: boolean;
  /** Check only while this host holds the address. */
  readonly suspendWithoutAddress: boolean;
  readonly mail: boolean;
  readonly sorryServer: SorryServer | undefined;
  readonly realServers: readonly RealServerConfig[];
}
