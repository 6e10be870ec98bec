/** What a configuration says about virtual servers: services that are spread over real servers by IPVS. */
import type {
  DirectorNotificationEvent,
  UserCommand,
  UserNotification,
} from "./define-commands.ts";
import type { NoPlugin, UserPlugin } from "./define-plugin.ts";
import type { Duration } from "./define.ts";

/** An address and its port, as `"192.0.2.1:80"` or `"[2001:db8::1]:80"`; without a port it means every port. */
export type UserEndpoint = string;

/** How real servers get what clients send: by network address translation, direct routing, or a tunnel. */
export type UserForwardingMethod =
  | "NAT"
  | "DR"
  | "TUN"
  | {
      readonly type: "TUN";
      /** Default "ipip". */
      readonly encapsulation?: "ipip" | "gre" | "gue";
      /** The destination port of gue. */
      readonly port?: number;
      /** Default "none". */
      readonly checksum?: "none" | "checksum" | "remote";
    };

/** Who gets the next connection, by IPVS's names. */
export type UserScheduler =
  | "rr"
  | "wrr"
  | "lc"
  | "wlc"
  | "lblc"
  | "lblcr"
  | "sh"
  | "mh"
  | "dh"
  | "fo"
  | "ovf"
  | "sed"
  | "nq"
  | "twos";

/** What clients ask for. */
export type UserVirtualService =
  | UserEndpoint
  /** Every address from the first to the last. */
  | { readonly first: string; readonly last: string; readonly port?: number }
  /** What the firewall has marked. */
  | { readonly mark: number; readonly family?: "ipv4" | "ipv6" };

/** When checkers run; a virtual server's hold for its real servers, theirs for their checkers, unless those say otherwise. */
export interface UserCheckerTiming {
  /** Default "60s". */
  readonly interval?: Duration;
  /** Attempts after a failure. Default 1; DNS 3, commands 0. */
  readonly retries?: number;
  /** Default "1s"; HTTP "3s", DNS the interval. */
  readonly retryDelay?: Duration;
  /** The first check comes at a random moment within this time. Default: the interval. */
  readonly warmup?: Duration;
  /** Default "5s". */
  readonly timeout?: Duration;
  /** Whether a real server is down until it was found to be up. Default false. */
  readonly startsDown?: boolean;
}

/** A service that is spread over real servers. */
export interface UserVirtualServer<Plugins extends string = string> extends UserCheckerTiming {
  readonly services: readonly UserVirtualService[];
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Default "wlc". */
  readonly scheduler?: UserScheduler;
  /** IPVS's own, of which each belongs to a scheduler. */
  readonly schedulerFlags?: readonly (
    | "flag-1"
    | "flag-2"
    | "flag-3"
    | "sh-port"
    | "sh-fallback"
    | "mh-port"
    | "mh-fallback"
  )[];
  /** UDP: each datagram by itself. Default false. */
  readonly onePacket?: boolean;
  /** How real servers get what clients send. Default "NAT". */
  readonly forwarding?: UserForwardingMethod;
  /** The same client gets the same real server. */
  readonly persistence?: {
    /** Default "360s". */
    readonly timeout?: Duration;
    /** The length of the prefix that counts as one client. Default: one address. */
    readonly granularity?: number;
    /** How IPVS tells clients apart if not by their addresses, as "sip". */
    readonly engine?: string;
  };
  /** The sum of weights of living real servers that the service needs. Default 1. */
  readonly quorum?: number;
  /** How much more than the quorum brings it up, and how much less brings it down. Default 0. */
  readonly hysteresis?: number;
  /** Run when the quorum is reached. */
  readonly onQuorumUp?: UserCommand;
  /** Run when it is lost. */
  readonly onQuorumDown?: UserCommand;
  /** Who is told of the quorum, and of the real servers. */
  readonly notify?: readonly UserNotification<DirectorNotificationEvent, Plugins>[];
  /** Whether the stop is told as everything going down. Default false. */
  readonly omega?: boolean;
  /** Check only while this host holds the address. Default false. */
  readonly suspendWithoutAddress?: boolean;
  /** Whether changes of the quorum are mailed. Default false. */
  readonly mail?: boolean;
  /** Who answers when the quorum is lost. */
  readonly sorryServer?: {
    readonly server: UserEndpoint;
    readonly forwarding?: UserForwardingMethod;
    /** Default false. */
    readonly inhibit?: boolean;
  };
  /** Weight 0 instead of removal while a real server is down. Default false. */
  readonly inhibitOnFailure?: boolean;
  /** The Host of HTTP checkers that name none. */
  readonly host?: string;
  /** The weight of real servers that name none. Default 1. */
  readonly weight?: number;
  readonly realServers: readonly UserRealServer<Plugins>[];
}

/** One of the servers behind a virtual server. */
export interface UserRealServer<Plugins extends string = string> extends UserCheckerTiming {
  readonly server: UserEndpoint;
  /** Default: the virtual server's. */
  readonly weight?: number;
  /** Default: the virtual server's. */
  readonly forwarding?: UserForwardingMethod;
  /** Connections above which it gets no new ones. Default 0: no limit. */
  readonly upperThreshold?: number;
  /** Connections below which it gets them again. Default 0. */
  readonly lowerThreshold?: number;
  /** Default: the virtual server's. */
  readonly inhibitOnFailure?: boolean;
  readonly onUp?: UserCommand;
  readonly onDown?: UserCommand;
  /** Whether its going up and down is mailed. Default true. */
  readonly mail?: boolean;
  /** The Host of HTTP checkers that name none. */
  readonly host?: string;
  /** Up only when all of them say so; without any it is always up. Only plugins are run so far; any other counts as up. */
  readonly checkers?: readonly UserChecker<Plugins>[];
}

/** Where a checker connects to and from; default: to the real server. */
interface UserCheckerConnection {
  readonly address?: string;
  readonly port?: number;
  readonly sourceAddress?: string;
  readonly sourcePort?: number;
  readonly interface?: string;
  readonly mark?: number;
}

/** What judges a real server, and when. */
export type UserChecker<Plugins extends string = string> = UserCheckerTiming &
  (UserPluginChecker<Plugins> | (UserCheckerConnection & UserBuiltInChecker & NoPlugin));

/** A plugin made by `defineChecker`. What it returns by `weight` is the weight of the real server. */
export type UserPluginChecker<Plugins extends string = string> = UserPlugin<Plugins> & {
  readonly type: "plugin";
  /** What an invocation says that did not judge, as for checks. Default "down". */
  readonly onFault?: "down" | "hold";
  /** What it looks at. Default: the real server's address and port. */
  readonly address?: string;
  readonly port?: number;
};

/** What is judged without a plugin. */
export type UserBuiltInChecker =
  | { readonly type: "tcp" | "ping" }
  | {
      readonly type: "http" | "https";
      /** Default "1.0". */
      readonly protocol?: "1.0" | "1.0C" | "1.1";
      readonly host?: string;
      /** TLS: the name in the greeting. Default: the host. */
      readonly serverName?: string;
      /** Whether all URLs are asked at once on recovery. Default false. */
      readonly fastRecovery?: boolean;
      readonly urls: readonly UserHttpUrl[];
    }
  | { readonly type: "smtp"; readonly helo?: string }
  | {
      readonly type: "dns";
      /** Default "SOA". */
      readonly recordType?:
        | "A"
        | "NS"
        | "CNAME"
        | "SOA"
        | "MX"
        | "TXT"
        | "AAAA"
        | "RRSIG"
        | "DNSKEY";
      /** Default ".". */
      readonly name?: string;
    }
  | ({
      readonly type: "command";
      /** Whether the exit status 2 to 255 sets the weight to it less 2. Default false. */
      readonly dynamicWeight?: boolean;
    } & UserCommand)
  | {
      readonly type: "udp";
      /** Hexadecimal digits. */
      readonly payload?: string;
      readonly reply?: {
        /** Hexadecimal digits, x for any. */
        readonly pattern?: string;
        readonly minimumLength?: number;
        readonly maximumLength?: number;
      };
    }
  | {
      readonly type: "file";
      /** The name of a tracked file. */
      readonly file: string;
      readonly weight?: number;
      readonly reverse?: boolean;
    };

/** A page that an HTTP checker asks for, and what it must be. */
export interface UserHttpUrl {
  readonly path: string;
  /** The MD5 of the body, as `karuntime genhash` prints it. */
  readonly digest?: string;
  /** As 200, or "200-299". Default: "200-299". */
  readonly statusCodes?: readonly (number | string)[];
  /** The Host. Default: the checker's. */
  readonly host?: string;
  /** What must be found in the body. */
  readonly pattern?: {
    /** A regular expression. */
    readonly text: string;
    /** PCRE2's options by their names, as "caseless". */
    readonly options?: readonly string[];
    /** Up only when it is not found. Default false. */
    readonly absent?: boolean;
    readonly fromOffset?: number;
    readonly toOffset?: number;
  };
}
