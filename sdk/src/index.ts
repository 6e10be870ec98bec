/**
 * What a plugin author imports. A plugin is a TypeScript file whose default export is a definition made here; it runs in a
 * sandbox, with the permissions that it declares and nothing else.
 */

import type {
  DnsAnswer,
  DnsInit,
  DnsRecordType,
  PingAnswer,
  PingInit,
  UdpInit,
} from "./network.ts";

export type * from "./network.ts";

/** What a service permission can allow. */
export type ServiceAction = "start" | "stop" | "restart" | "status";

/**
 * What a plugin asks for. What is not listed is denied. `{name}` in a text stands for the value of that option: with
 * `net: ["{host}:{port}"]` a plugin asks for the place that is configured and for no other; `net: ["{url}"]` is the place
 * of a URL.
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
  | { readonly type: "string"; readonly default?: string; readonly description?: string }
  | {
      readonly type: "number";
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
      readonly description?: string;
    }
  | { readonly type: "boolean"; readonly default?: boolean; readonly description?: string };

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;

/** The values that declarations of options lead to. */
export type OptionValues<Declarations extends OptionDeclarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name]["type"] extends "string"
    ? string
    : Declarations[Name]["type"] extends "number"
      ? number
      : boolean;
};

/** What `down` returns: hand it on as the check's result. */
export interface Down {
  readonly down: string;
}

/** What `weight` returns: hand it on as the check's result. */
export interface Weight {
  readonly weight: number;
}

export interface Processes {
  /** How many processes have this name. @throws Error when the name is not in `permissions.processes`. */
  count(name: string): Promise<number>;
  /**
   * Counts as well, and from now on this check runs at once whenever a process of the name has ended, not only at its interval.
   * For checks and checkers. @throws Error when the name is not in `permissions.processes`.
   */
  watch(name: string): Promise<number>;
}

/** Texts that outlast an invocation, and karuntime: at most 64 keys of 64 characters, with values of 4096. Each check has its own. */
export interface Store {
  /** @returns null when there is none. */
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}

/**
 * Numbers about what a check looks at; `karuntime status --json` shows them. At most 50, a name with other labels being another one.
 * A name has letters a-z, digits and _. At most 5 labels of 64 characters.
 */
export interface Metrics {
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** Adds to it. */
  counter(name: string, add: number, labels?: Readonly<Record<string, string>>): Promise<void>;
}

export interface Secrets {
  /** A secret of the configuration. In logs and reasons its name stands in its place. @throws Error when it is not permitted. */
  get(name: string): Promise<string>;
}

/** Performed by the daemon, through systemd where it runs, else through the commands that the configuration names. */
export interface Services {
  /** @throws Error when it is not permitted, or the service did not start. */
  start(name: string): Promise<void>;
  /** @throws Error when it is not permitted, or the service did not stop. */
  stop(name: string): Promise<void>;
  /** @throws Error when it is not permitted, or the service did not restart. */
  restart(name: string): Promise<void>;
  /** Whether the service runs. @throws Error when it is not permitted, or nobody can tell. */
  status(name: string): Promise<"running" | "stopped">;
}

/*
 * What `fetch` takes and gives are the web's own objects. They are described here by what they have, so that this file needs
 * no environment: the global types of `@karuntime/sdk/globals`, of browsers and of Node all fit.
 */

export interface FetchInit {
  /** Default "GET". */
  readonly method?: string;
  /** A `Headers`, pairs, or an object. */
  readonly headers?: Iterable<readonly [string, string]> | Readonly<Record<string, string>>;
  /** A `URLSearchParams` is sent as a form, and says so. At most 1 MiB. */
  readonly body?: string | ArrayBuffer | ArrayBufferView | FetchForm | null;
  /** Default "follow"; each redirect must be permitted as well. */
  readonly redirect?: "follow" | "manual" | "error";
  readonly signal?: Signal | null;
}

/** As much of an AbortSignal as `fetch` needs. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
}

/** As much of a URLSearchParams as tells it from other objects. */
export interface FetchForm extends Iterable<[string, string]> {
  getAll(name: string): string[];
  toString(): string;
}

/** As much of a URL as tells it from other objects. */
export interface FetchUrl {
  readonly href: string;
  readonly pathname: string;
  toString(): string;
}

/** As much of a Request as tells it from other objects; it must be one of the sandbox. */
export interface FetchRequest {
  readonly method: string;
  readonly url: string;
  readonly bodyUsed: boolean;
}

/** A `Headers`. */
export interface FetchHeaders extends Iterable<[string, string]> {
  append(name: string, value: string): void;
  delete(name: string): void;
  /** All values of that name, joined by ", ". */
  get(name: string): string | null;
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  forEach(callback: (value: string, name: string, parent: FetchHeaders) => void): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
}

/** A `Response`. */
export interface FetchResponse {
  readonly type: "default" | "basic" | "error";
  /** Whether the status is 200 to 299. */
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: FetchHeaders;
  readonly bodyUsed: boolean;
  /** Decoded as UTF-8. As with the next three, a second time it throws: keep the result, or a clone. */
  text(): Promise<string>;
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  arrayBuffer(): Promise<ArrayBuffer>;
  clone(): FetchResponse;
}

export interface ConnectInit {
  /** Speak TLS; the certificate is checked unless `verify` is false. `serverName` is what is asked for; default: the host. */
  readonly tls?: boolean | { readonly serverName?: string; readonly verify?: boolean };
}

/** What a server's certificate says. */
export interface Certificate {
  /** The common name. */
  readonly subject: string;
  readonly issuer: string;
  /** As in "DNS:example.com, IP Address:192.0.2.1". */
  readonly names: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** Whether a known authority signed it, for this name. */
  readonly trusted: boolean;
}

/** A connection over TCP or TLS. It is closed with the invocation at the latest. */
export interface Connection {
  /** The server's, with TLS. */
  readonly certificate: Certificate | null;
  /** Sends a text as UTF-8, or bytes. */
  write(data: string | Uint8Array): Promise<void>;
  /** The bytes that are there, at most 64 KiB, or the next ones; null when the other side has ended. */
  read(): Promise<Uint8Array | null>;
  /** The text up to the delimiter and with it. @throws Error when the connection ends before, or 64 KiB come without it. */
  readUntil(delimiter: string): Promise<string>;
  close(): void;
}

/** How a command ended, and what it wrote: at most 64 KiB each. */
export interface ExecResult {
  /** Its exit status; null when a signal or the time limit ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecInit {
  /** Milliseconds after which it is ended; never later than the invocation. */
  readonly timeoutMs?: number;
}

export interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** The beginning of a file. */
export interface FileContent {
  /** At most the first 64 KiB. */
  readonly text: string;
  /** In bytes. */
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

export interface Files {
  /** @throws Error when the path, or what it leads to, is not in `permissions.files`, or cannot be read by the plugins' user. */
  read(path: string): Promise<FileContent>;
}

/** The share of time, in percent, in which tasks waited, over the last 10, 60 and 300 seconds. */
export interface PressureAverages {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

export interface System {
  /** The load averages of 1, 5 and 15 minutes, and how many processors there are. */
  load(): Promise<{
    readonly one: number;
    readonly five: number;
    readonly fifteen: number;
    readonly cpus: number;
  }>;
  memory(): Promise<{ readonly totalBytes: number; readonly availableBytes: number }>;
  /** The file system that a path is on. @throws Error when there is no such path. */
  disk(path: string): Promise<{
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly totalFiles: number;
    readonly availableFiles: number;
  }>;
  /** How much tasks wait for a resource; `full` is null where the kernel does not tell it. @throws Error when it tells none. */
  pressure(
    resource: "cpu" | "memory" | "io",
  ): Promise<{ readonly some: PressureAverages; readonly full: PressureAverages | null }>;
}

/** One line of the daemon's log each: at most 500 characters, at most 10 a second. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

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
  /** Connects to `"host:port"`. @throws Error when it is not permitted, or does not succeed. */
  connect(target: string, init?: ConnectInit): Promise<Connection>;
  /**
   * Sends one datagram to `"host:port"`, a text as UTF-8 or at most 8192 bytes, and waits for the first that comes back from there;
   * null with `answer: false`. @throws Error when it is not permitted, nobody listens there, or no answer comes in time.
   */
  udp(
    target: string,
    data: string | Uint8Array,
    init: UdpInit & { readonly answer: false },
  ): Promise<null>;
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
  /** Says that the check is up and what that adds to the priority, in place of the configured weight: -253 to 253. */
  weight(amount: number): Weight;
}

/** What a checker looks at. */
export interface Target {
  /** A numeric IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** The virtual service that the real server stands behind; "" for a check that has none. */
  readonly virtualService: string;
}

/** What a checker is called with. It may connect to the target without asking for it in `permissions.net`. */
export interface CheckerContext<
  Declarations extends OptionDeclarations = OptionDeclarations,
> extends CheckContext<Declarations> {
  readonly target: Target;
}

/** Something that happened to a virtual router or a sync group of this host. */
export interface NotifierEvent {
  /** Counts the events from the start of the daemon. The same number comes again when a delivery is tried again. */
  readonly sequence: number;
  readonly subject: {
    readonly type: "virtual-router" | "sync-group";
    readonly name: string;
  };
  /** The state that was entered; "contended": another master of lower priority is heard; "priority": it changed. */
  readonly event: "master" | "backup" | "fault" | "stop" | "contended" | "priority";
  readonly state: "master" | "backup" | "fault" | "stop";
  /** The effective priority; 0 for a sync group. */
  readonly priority: number;
  /** When it happened, as in "2026-01-31T12:00:00.000Z". */
  readonly at: string;
  /** The name of this host, or what the configuration calls it. */
  readonly routerName: string;
}

export interface CheckDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  readonly permissions?: Permissions;
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

export interface CheckerDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  readonly permissions?: Permissions;
  readonly options?: Declarations;
  /** Judges the target once, as a check judges this host. */
  check(context: CheckerContext<Declarations>): Promise<Result> | Result;
}

/**
 * Defines a checker: whether a server at an address and port does its work. The configuration says which.
 *
 * @example
 * export default defineChecker({
 *   async check({ target, connect }) {
 *     const connection = await connect(`${target.address}:${target.port}`);
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

export interface NotifierDefinition<Declarations extends OptionDeclarations = OptionDeclarations> {
  readonly permissions?: Permissions;
  readonly options?: Declarations;
  /** Takes one event. The next one comes when it is done; when it throws or takes too long, the same one comes again, twice at most. */
  notify(event: NotifierEvent, context: PluginContext<Declarations>): Promise<void> | void;
}

/**
 * Defines a notifier: who is told what virtual routers and sync groups do.
 *
 * @example
 * export default defineNotifier({
 *   permissions: { mail: true },
 *   async notify(event, { mail }) {
 *     await mail({ subject: `${event.subject.name} is ${event.state}`, text: `since ${event.at}` });
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
