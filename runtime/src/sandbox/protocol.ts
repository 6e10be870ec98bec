/**
 * What the daemon and a sandbox host say to each other: JSON lines over an inherited socket (descriptor 3). The
 * daemon does not trust the host: each message from it is validated before it has an effect.
 */

/** What a plugin asks for in its `permissions`, and, as a grant, what it may do. Each absent field means nothing. */
export interface Permissions {
  /** Process names (as in /proc/PID/comm) that it may count. */
  readonly processes: readonly string[];
  /** By service name, the actions that it may ask of the daemon. */
  readonly services: Readonly<Record<string, readonly ServiceAction[]>>;
  /** host:port pairs that it may connect to. */
  readonly net: readonly string[];
  /** Commands that it may have run: argument vectors, the last element "..." allowing further arguments. */
  readonly exec: readonly (readonly string[])[];
  /** Whether it may send mail to the configured receivers. */
  readonly mail: boolean;
  /** Absolute paths that it may read; one that ends with "/" covers everything beneath it. */
  readonly files: readonly string[];
  /** Whether it may know how busy the machine is. */
  readonly system: boolean;
  /** host:port pairs that it may send datagrams to. */
  readonly udp: readonly string[];
  /** DNS servers that it may ask: address:port pairs, and "system" for the one that this host asks. */
  readonly dns: readonly string[];
  /** Names and addresses of hosts that it may ping. */
  readonly ping: readonly string[];
  /** Whether it may keep texts from one invocation to the next. */
  readonly store: boolean;
  /** Whether it may publish numbers. */
  readonly metrics: boolean;
  /** Names of the configuration's secrets that it may read. */
  readonly secrets: readonly string[];
}

export const SERVICE_ACTIONS = ["start", "stop", "restart", "status"] as const;
export type ServiceAction = (typeof SERVICE_ACTIONS)[number];

/** A plugin as the bundler made it: one script expression without imports, and its map. */
export interface PluginBundle {
  /** For messages: the file as the configuration names it. */
  readonly file: string;
  /** sha256 of the code, in hex. Equal bundles share an isolate. */
  readonly hash: string;
  readonly code: string;
  readonly sourceMap: string;
}

/** What a checker looks at. */
export interface CheckTarget {
  /** A numeric address. */
  readonly address: string;
  readonly port: number;
  /** Both, as grants name it: "192.0.2.1:80", "[2001:db8::1]:80". */
  readonly place: string;
  /** The virtual service that the real server stands behind; "" where there is none. */
  readonly virtualService: string;
}

/** A number that a plugin publishes. */
export interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface CheckSpec {
  readonly name: string;
  readonly bundle: PluginBundle;
  /** A checker's; it may connect there. */
  readonly target: CheckTarget | null;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly grant: Permissions;
  /** The secrets that it is granted, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** How soon a failure is followed by another run while it does not count yet; undefined: at its interval. */
  readonly retryDelayMs: number | undefined;
  /** What an invocation says that did not judge: a failure, or nothing. */
  readonly onFault: "down" | "hold";
  /** What the check said before its host was replaced, so that one failure does not weigh more than `fall` says. */
  readonly initialState: "unknown" | "up" | "down";
  /** Until it runs for the first time; 0: at once. */
  readonly startDelayMs: number;
  /** Faults of its own in a row, from before its host was replaced: so it stays backed off. */
  readonly faults: number;
}

/** A notifier plugin; its name is that of no check. */
export interface NotifierSpec {
  readonly name: string;
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly grant: Permissions;
  /** The secrets that it is granted, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** With the hash in place of the bundle, which thousands of checks may share. */
export type WithoutBundle<Spec extends { readonly bundle: PluginBundle }> = Omit<Spec, "bundle"> & {
  readonly bundle: string;
};

/** A plugin to run once. */
export interface InvokedSpec extends NotifierSpec {
  /** A checker's; it may connect there. */
  readonly target: CheckTarget | null;
  /** Whether it waits for a debugger, and runs without limits of time. */
  readonly inspected: boolean;
}

/** What a plugin has the daemon do. */
export type PrivilegedRequest =
  | { readonly type: "service"; readonly service: string; readonly action: ServiceAction }
  | { readonly type: "exec"; readonly argv: readonly string[]; readonly timeoutMs: number }
  | { readonly type: "mail"; readonly subject: string; readonly text: string }
  /** Runs the check at once whenever a process of the name has ended. */
  | { readonly type: "watch"; readonly process: string }
  /** Null as the value removes the key. */
  | {
      readonly type: "store";
      readonly action: "get" | "set" | "keys";
      readonly key: string;
      readonly value: string | null;
    }
  | {
      readonly type: "ping";
      /** As the grant has it. */
      readonly host: string;
      readonly timeoutMs: number;
      readonly size: number;
    };

/** What became of it: for a service whether it runs, for a command its ExecResult, for a ping its PingAnswer. */
export type PrivilegedResult =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly error: string };

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type DaemonToSandbox =
  /** Comes before what refers to it by its hash. */
  | { readonly type: "bundle"; readonly bundle: PluginBundle }
  | { readonly type: "load"; readonly check: WithoutBundle<CheckSpec> }
  | { readonly type: "load-notifier"; readonly notifier: WithoutBundle<NotifierSpec> }
  /** An event for a notifier, answered by `notified`. */
  | {
      readonly type: "notify";
      readonly id: number;
      readonly notifier: string;
      readonly event: JsonValue;
    }
  /** Runs a plugin once, in an isolate of its own, and answers `invoked`; its author asks for it, never the daemon. */
  | {
      readonly type: "invoke";
      readonly id: number;
      readonly plugin: InvokedSpec;
      /** A notifier's; null for any other. */
      readonly event: JsonValue;
    }
  /** What a debugger says to the plugin that is invoked (Chrome DevTools Protocol); null: it is gone. */
  | { readonly type: "inspect"; readonly message: string | null }
  | { readonly type: "answer"; readonly id: number; readonly result: PrivilegedResult }
  | { readonly type: "report"; readonly id: number }
  /** A process that the check watches has ended: it runs at once. */
  | { readonly type: "wake"; readonly check: string }
  /** Asked of a host that has said nothing by itself since it was asked last. */
  | { readonly type: "ping" }
  /** Runs the bundle's top level once, in an isolate of its own, and answers what it exports as plain data. */
  | {
      readonly type: "evaluate";
      readonly id: number;
      readonly bundle: PluginBundle;
      readonly environment: Readonly<Record<string, string>>;
    };

export type SandboxToDaemon =
  | { readonly type: "ready" }
  /** The judgement of a check after rise and fall; sent when it changes, and once after the first result. */
  | {
      readonly type: "state";
      readonly check: string;
      readonly state: "up" | "down";
      /** What it adds to the priority while up, instead of its configured weight. */
      readonly weight: number | null;
      readonly reason: string;
    }
  | {
      readonly type: "request";
      readonly id: number;
      /** The check or the notifier. */
      readonly plugin: string;
      readonly request: PrivilegedRequest;
    }
  /** The invocation that asked has ended: what still runs for it is ended too. */
  | { readonly type: "cancel"; readonly id: number }
  | {
      readonly type: "notified";
      readonly id: number;
      readonly result: { readonly ok: true } | { readonly ok: false; readonly error: string };
    }
  | {
      readonly type: "log";
      readonly plugin: string;
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
    }
  | { readonly type: "invoked"; readonly id: number; readonly invocation: TracedInvocation }
  /** What the plugin's isolate says to the debugger. */
  | { readonly type: "inspected"; readonly message: string }
  | { readonly type: "report"; readonly id: number; readonly checks: readonly CheckReport[] }
  | { readonly type: "pong" }
  /** Said without being asked, when a check has run: the host is awake then. */
  | { readonly type: "alive" }
  /** Whose code has run for some time and still runs. Should the host be ended now, it is their doing. */
  | { readonly type: "long"; readonly plugins: readonly string[] }
  /** The host cannot end something that runs in it: the daemon starts another one and kills this one. */
  | {
      readonly type: "recycle";
      readonly reason: string;
      /** The check or notifier whose doing it is; "" where nobody knows. */
      readonly plugin: string;
    }
  | {
      readonly type: "evaluated";
      readonly id: number;
      readonly result:
        | { readonly ok: true; readonly value: JsonValue }
        | { readonly ok: false; readonly error: PluginError };
    };

/** What one invocation came to. Everything but `up` counts as a failure. */
export type Outcome = "up" | "down" | "timed out" | "out of memory" | "error";

export interface CheckReport {
  readonly check: string;
  /** `unknown` until the first result. */
  readonly state: "unknown" | "up" | "down";
  readonly reason: string;
  readonly last:
    | {
        readonly outcome: Outcome;
        readonly reason: string;
        readonly durationMs: number;
        readonly cpuMs: number;
        readonly agoMs: number;
      }
    | undefined;
  readonly runs: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Times that the interval passed while the invocation before was still running. */
  readonly skipped: number;
  /** Faults of its own in a row; beyond a few its runs become rarer. */
  readonly faults: number;
  /** Until its next run, when that was put off for its faults. */
  readonly backsOffMs: number;
  /** Refused capability requests. */
  readonly denied: number;
  readonly metrics: readonly Metric[];
}

/** What one invocation asked of its host, in short. */
export interface TracedCall {
  /** As the plugin's author calls it: "processes.count". */
  readonly name: string;
  readonly argument: string;
  /** From the start of the invocation. */
  readonly atMs: number;
  /** Null when the invocation ended, or gave it up, before. */
  readonly durationMs: number | null;
  /** JSON, shortened; null where there is none. */
  readonly result: string | null;
  readonly error: string | null;
  /** Whether the plugin has no permission for it. */
  readonly denied: boolean;
}

/** One invocation as its author wants to see it. */
export interface TracedInvocation {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly weight: number | null;
  readonly durationMs: number;
  readonly cpuMs: number;
  /** The host's own memory after it, the isolate still there. */
  readonly memoryBytes: number;
  readonly calls: readonly TracedCall[];
  /** Further calls, which are not listed. */
  readonly callsLeftOut: number;
  readonly metrics: readonly Metric[];
}

/** An exception of user-written code, with the place in the user's own file where the source map knows it. */
export interface PluginError {
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}
