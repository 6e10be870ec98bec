/**
 * What a plugin author imports. A plugin is a TypeScript file whose default export is a definition made here; it runs in a
 * sandbox, with the permissions that it declares and nothing else.
 */

import type { FetchInit, FetchRequest, FetchResponse, FetchUrl } from "./fetch.ts";
import type {
  ExecInit,
  ExecResult,
  Files,
  Log,
  Mail,
  Metrics,
  Processes,
  Secrets,
  Services,
  Store,
  System,
} from "./host.ts";
import type {
  ConnectInit,
  PendingConnection,
  DnsAnswer,
  DnsInit,
  DnsRecordType,
  PingAnswer,
  PingInit,
  UdpInit,
  SocketAddress,
} from "./network.ts";

export type * from "./fetch.ts";
export type * from "./host.ts";
export type * from "./network.ts";
export type * from "./streams.ts";

/** What a service permission can allow. */
export type ServiceAction = "start" | "stop" | "restart" | "status";

/**
 * What a plugin asks for. What is not listed is denied. `{name}` in a text stands for the value of that option: with
 * `net: ["{host}:{port}"]` a plugin asks for the place that is configured and for no other; `net: ["{url}"]` is the place
 * of a URL. `"{names...}"` stands for each text of a list, in `exec` for each word. What comes out empty asks for nothing.
 */
export interface Permissions {
  /** Names of processes that it may count, as in /proc/PID/comm: at most 15 characters. */
  readonly processes?: readonly string[];
  /** By service, what it may ask of the daemon. */
  readonly services?: Readonly<Record<string, readonly ServiceAction[]>>;
  /** Where `fetch` and `connect` may connect to, each as `"host:port"`. */
  readonly net?: readonly string[];
  /**
   * Commands that it may have run, each as the command's absolute path and its arguments, which must be the same. A last
   * `"..."` allows further arguments.
   */
  readonly exec?: readonly (readonly [string, ...string[]])[];
  /** Whether it may send mail to the receivers in the configuration. */
  readonly mail?: boolean;
  /** Absolute paths that it may read; one that ends with "/" covers everything beneath it. Links are followed first. */
  readonly files?: readonly string[];
  /** Whether it may know how busy the machine is. */
  readonly system?: boolean;
  /** Where `udp` may send datagrams to, each as `"host:port"`. */
  readonly udp?: readonly string[];
  /** The DNS servers that `dns` may ask, each as `"address:port"`; `"system"` is the one that this host itself asks. */
  readonly dns?: readonly string[];
  /** The hosts that `ping` may ping, by name or address. */
  readonly ping?: readonly string[];
  /** Whether it may keep texts from one invocation to the next. */
  readonly store?: boolean;
  /** Whether it may publish numbers. */
  readonly metrics?: boolean;
  /** Names of secrets in the configuration that it may read. */
  readonly secrets?: readonly string[];
}

/** One option that the operator sets in the configuration. Without a default it must be set. */
export type OptionDeclaration =
  | {
      readonly type: "string";
      /** What it is when the configuration does not set it, as in the others. */
      readonly default?: string;
      /** The only values that there are. */
      readonly choices?: readonly string[];
      /** For people: editors show it, and `karuntime plugin describe` and `add`. */
      readonly description?: string;
    }
  | { readonly type: "list"; readonly default?: readonly string[]; readonly description?: string }
  | {
      readonly type: "number";
      readonly default?: number;
      /** The least value that is allowed. */
      readonly min?: number;
      /** The greatest one. */
      readonly max?: number;
      readonly description?: string;
    }
  | { readonly type: "boolean"; readonly default?: boolean; readonly description?: string };

/** The options of a plugin, by name. */
export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;

/** The values that declarations of options lead to. */
export type OptionValues<Declarations extends OptionDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends {
    readonly choices: readonly (infer Choice)[];
  }
    ? Choice
    : OptionTypes[Declarations[Name]["type"]];
};

/** What the value of an option is, by its declared type. */
interface OptionTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly list: readonly string[];
}

/** What `down` returns: hand it on as the check's result. */
export interface Down {
  readonly down: string;
}

/** What `weight` returns: hand it on as the check's result. */
export interface Weight {
  readonly weight: number;
}

/*
 * What `fetch` takes and gives are the web's own objects. They are described here by what they have, so that this file needs
 * no environment: the global types of `@karuntime/sdk/globals`, of browsers and of Node all fit.
 */

/** What every plugin is called with. */
export interface PluginContext<Declarations extends OptionDeclarations = OptionDeclarations> {
  readonly options: OptionValues<Declarations>;
  readonly processes: Processes;
  readonly services: Services;
  readonly files: Files;
  readonly system: System;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly secrets: Secrets;
  /** An HTTP request. The body of the answer is read to its end, at most 1 MiB of it. @throws Error when it is not permitted or fails. */
  fetch(input: string | FetchUrl | FetchRequest, init?: FetchInit): Promise<FetchResponse>;
  /**
   * Connects to `"host:port"`. What it gives can be awaited, and is a Socket of the WinterTC's sockets API besides.
   * @throws Error, awaited, when it is not permitted, or does not succeed.
   */
  connect(target: SocketAddress, init?: ConnectInit): PendingConnection;
  /**
   * Sends one datagram to `"host:port"`, a text as UTF-8 or at most 8192 bytes, and waits for no answer. @throws Error when it is
   * not permitted.
   */
  udp(
    target: string,
    data: string | Uint8Array,
    init: UdpInit & { readonly answer: false },
  ): Promise<null>;
  /** Likewise, and waits for the first that comes back from there. @throws Error when it is not permitted, nobody listens there, or no answer comes in time. */
  udp(
    target: string,
    data: string | Uint8Array,
    init?: UdpInit & { readonly answer?: true },
  ): Promise<Uint8Array>;
  /**
   * Asks a DNS server for the records of a name, of a type as "A", "MX" or "TYPE65". That there is no such name is an answer, with the
   * code "NXDOMAIN". @throws Error when it is not permitted, or no answer comes in time.
   */
  dns(name: string, type: DnsRecordType, init?: DnsInit): Promise<DnsAnswer>;
  /** Has the daemon ping a host (an ICMP echo). @throws Error when it is not permitted, or no answer comes in time. */
  ping(host: string, init?: PingInit): Promise<PingAnswer>;
  /**
   * Has the daemon run a command, without a shell, by the user that runs commands. It ends with the invocation at the
   * latest. @throws Error when it is not permitted, or cannot be run.
   */
  exec(argv: readonly string[], init?: ExecInit): Promise<ExecResult>;
  /** Has the daemon send a mail to the receivers in the configuration. @throws Error when it is not permitted, or the server does not take it. */
  mail(mail: Mail): Promise<void>;
  readonly log: Log;
}

/** What a check is called with. */
export interface CheckContext<
  Declarations extends OptionDeclarations = OptionDeclarations,
> extends PluginContext<Declarations> {
  /** Says that the check is down, and why. */
  down(reason: string): Down;
  /**
   * Says that the check is up and what that adds to the priority, in place of the configured weight: -253 to 253. For the checker
   * of a real server it is this one's weight, and at least 0.
   */
  weight(amount: number): Weight;
}

/** What a checker looks at. */
export interface Target {
  /** A numeric IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** Both, as `connect`, `udp` and URLs take them: "192.0.2.1:80", "[2001:db8::1]:80". */
  readonly place: string;
  /** The virtual service that the real server stands behind; "" for a check that has none. */
  readonly virtualService: string;
}

/** What a checker is called with. It may speak to the target without asking for it in `net`, `udp` or `dns` of `permissions`. */
export interface CheckerContext<
  Declarations extends OptionDeclarations = OptionDeclarations,
> extends CheckContext<Declarations> {
  readonly target: Target;
}

/** What all events have. */
interface Told {
  /** Counts the events from the start of the daemon. The same number comes again when a delivery is tried again. */
  readonly sequence: number;
  /** When it happened, as in "2026-01-31T12:00:00.000Z". */
  readonly at: string;
  /** The name of this host, or what the configuration calls it. */
  readonly routerName: string;
}

/** Something that happened to a virtual router of this host. */
export interface VirtualRouterEvent extends Told {
  /** Whom it happened to. */
  readonly subject: { readonly type: "virtual-router"; readonly name: string };
  /** The state that was entered; "contended": another master of lower priority is heard; "priority": it changed. */
  readonly event: "master" | "backup" | "fault" | "stop" | "contended" | "priority";
  /** The state that it is in now. */
  readonly state: "master" | "backup" | "fault" | "stop";
  /** The effective priority. */
  readonly priority: number;
}

/** Something that happened to a sync group of this host. */
export interface SyncGroupEvent extends Told {
  /** Whom it happened to. */
  readonly subject: { readonly type: "sync-group"; readonly name: string };
  /** The state that was entered. */
  readonly event: "master" | "backup" | "fault" | "stop";
  /** The state that it is in now. */
  readonly state: "master" | "backup" | "fault" | "stop";
}

/** A real server went up or down, as its checkers say. */
export interface RealServerEvent extends Told {
  /** Whom it happened to. */
  readonly subject: {
    readonly type: "real-server";
    /** Its address and port, as "192.0.2.10:80" or "[2001:db8::10]:80". */
    readonly name: string;
    /** A numeric IPv4 or IPv6 address. */
    readonly address: string;
    readonly port: number;
    /** The name of the virtual server that it belongs to. */
    readonly virtualServer: string;
  };
  /** What it is now. */
  readonly event: "up" | "down";
  /** Its weight while it is up. */
  readonly weight: number;
  /** Why it is down; "" when it is up. */
  readonly reason: string;
}

/** A virtual server's real servers that are up have its quorum now, or no longer. */
export interface VirtualServerEvent extends Told {
  /** Whom it happened to. */
  readonly subject: { readonly type: "virtual-server"; readonly name: string };
  /** Whether it has the quorum now. */
  readonly event: "quorum-up" | "quorum-down";
  /** The sum of the weights of the real servers that are up. */
  readonly weight: number;
  /** The sum that it needs. */
  readonly quorum: number;
  /** How much more than the quorum brings it up, and how much less brings it down. */
  readonly hysteresis: number;
}

/**
 * What a notifier is told. `subject.type` says of what, and `event` what happened: as no two kinds of subject but virtual routers
 * and sync groups share one, TypeScript knows after a look at `event` what else there is.
 */
export type NotifierEvent =
  | VirtualRouterEvent
  | SyncGroupEvent
  | RealServerEvent
  | VirtualServerEvent;

/** What `defineCheck` takes. */
export interface CheckDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** What it asks for. Default: nothing. */
  readonly permissions?: Permissions;
  /** What the configuration can set. */
  readonly options?: Declarations;
  /**
   * Judges once. Up when it returns nothing, or `weight(amount)`; down when it returns `down(reason)`, throws, or takes too
   * long. Anything else that it returns is a fault, and counts as down.
   */
  check(context: CheckContext<Declarations>): Promise<Result> | Result;
}

/** What an invocation of a check may come to. */
export type Result = Down | Weight | void;

/**
 * Defines a check: whether this host, or what runs on it, is fit to hold the virtual addresses.
 *
 * @example
 * // checks/nginx.ts
 * import { defineCheck } from "@karuntime/sdk";
 *
 * export default defineCheck({
 *   permissions: { processes: ["nginx"] },
 *   async check({ processes, down }) {
 *     if ((await processes.count("nginx")) === 0) return down("nginx does not run");
 *   },
 * });
 */
export function defineCheck<const Declarations extends OptionDeclarations = Record<never, never>>(
  definition: CheckDefinition<Declarations>,
): CheckDefinition<Declarations> & { readonly kind: "check" } {
  return { kind: "check", ...definition };
}

/** What `defineChecker` takes. */
export interface CheckerDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** What it asks for. Default: nothing. */
  readonly permissions?: Permissions;
  /** What the configuration can set. */
  readonly options?: Declarations;
  /** Judges the target once, as a check judges this host. */
  check(context: CheckerContext<Declarations>): Promise<Result> | Result;
}

/**
 * Defines a checker: whether a server at an address and port does its work. The configuration says which.
 *
 * @example
 * // checks/redis.ts
 * import { defineChecker } from "@karuntime/sdk";
 *
 * export default defineChecker({
 *   async check({ target, connect }) {
 *     const connection = await connect(target.place);
 *     await connection.write("PING\r\n");
 *     if ((await connection.readUntil("\r\n")) !== "+PONG\r\n") throw new Error("it is no redis");
 *   },
 * });
 */
export function defineChecker<const Declarations extends OptionDeclarations = Record<never, never>>(
  definition: CheckerDefinition<Declarations>,
): CheckerDefinition<Declarations> & { readonly kind: "checker" } {
  return { kind: "checker", ...definition };
}

/** What `defineNotifier` takes. */
export interface NotifierDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  /** What it asks for. Default: nothing. */
  readonly permissions?: Permissions;
  /** What the configuration can set. */
  readonly options?: Declarations;
  /** Takes one event. The next one comes when it is done; when it throws or takes too long, the same one comes again, twice at most. */
  notify(event: NotifierEvent, context: PluginContext<Declarations>): Promise<void> | void;
}

/**
 * Defines a notifier: who is told what virtual routers, sync groups, virtual servers and their real servers do.
 *
 * @example
 * // notify/mail.ts
 * import { defineNotifier } from "@karuntime/sdk";
 *
 * export default defineNotifier({
 *   permissions: { mail: true },
 *   async notify(event, { mail }) {
 *     await mail({ subject: `${event.subject.name}: ${event.event}`, text: `since ${event.at}` });
 *   },
 * });
 */
export function defineNotifier<
  const Declarations extends OptionDeclarations = Record<never, never>,
>(
  definition: NotifierDefinition<Declarations>,
): NotifierDefinition<Declarations> & { readonly kind: "notifier" } {
  return { kind: "notifier", ...definition };
}
