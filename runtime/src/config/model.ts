/** The configuration after validation: parsed values, defaults filled in, references resolved. */
import type { VirtualServerConfig } from "../director/config.ts";
import type { StaticHoldings } from "../engine/protocol.ts";
import type { ProcessPattern } from "../linux/process-watch.ts";
import type { CheckTarget, Permissions } from "../sandbox/protocol.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";

export interface Configuration {
  readonly virtualRouters: readonly VirtualRouterConfig[];
  /** By virtual router, how long after the boot of the machine it takes part at the earliest. */
  readonly startDelaysAfterBootMs: Readonly<Record<string, number>>;
  readonly holdings: StaticHoldings;
  readonly checks: readonly CheckConfiguration[];
  /** The checkers of real servers that are plugins. */
  readonly checkers: readonly CheckerConfiguration[];
  readonly files: readonly FileConfiguration[];
  readonly processes: readonly ProcessConfiguration[];
  readonly notifications: readonly NotificationConfiguration[];
  readonly mail: MailConfiguration | undefined;
  readonly commands: CommandsConfiguration;
  readonly services: Readonly<Record<string, ServiceCommands>>;
  readonly virtualServers: readonly VirtualServerConfig[];
  readonly sandbox: SandboxConfiguration;
  /** What plugins may be granted to read, by name. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** How plugins are run. */
export interface SandboxConfiguration {
  readonly user: string | undefined;
  /** For one host's own memory; undefined: as much as its plugins need by experience. */
  readonly memoryBytes: number | undefined;
  /** A host that has only notifiers is ended after so long without an event. */
  readonly idleAfterMs: number;
  /** Packages by the trust group that they are in; every other one is a group of its own. */
  readonly trustGroups: Readonly<Record<string, string>>;
}

/** What is allowed and may surprise. */
export interface Warning {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type CheckConfiguration = CheckTiming &
  ((PluginUse & { readonly target: CheckTarget | undefined }) | CommandUse);

/** A plugin that checks a real server. */
export interface CheckerConfiguration extends CheckTiming, PluginUse {
  readonly target: CheckTarget;
  /** Whose it is, by their places in the configuration. */
  readonly virtualServer: number;
  readonly realServer: number;
  readonly checker: number;
  /** Where the configuration has it. */
  readonly path: string;
  /** The first run comes at a random moment within this time. */
  readonly warmupMs: number;
}

export interface CheckTiming {
  readonly name: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly initialState: "unknown" | "down";
  /** What an invocation says that did not judge. */
  readonly onFault: "down" | "hold";
}

export interface PluginUse {
  readonly type: "plugin";
  /** As the configuration names it: a file relative to the configuration's, or a package. */
  readonly plugin: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What it is given, where the configuration says it. */
  readonly grant?: Permissions | undefined;
}

export interface CommandUse {
  readonly type: "command";
  readonly command: Command;
}

export interface Command {
  /** The file, absolute or to be looked for in PATH, and its arguments. */
  readonly argv: readonly string[];
  /** "user", "user:group" or "uid:gid"; undefined: the default of all commands. */
  readonly user: string | undefined;
}

export interface CommandsConfiguration {
  /** Undefined: keepalived_script if it exists, else the daemon's own user. */
  readonly user: string | undefined;
  /** Refuse to run as root what somebody else may write. */
  readonly secure: boolean;
  readonly start: (Command & { readonly timeoutMs: number }) | undefined;
  readonly stop: (Command & { readonly timeoutMs: number }) | undefined;
}

/** Of virtual routers and sync groups. */
export const VRRP_EVENTS = ["master", "backup", "fault", "stop", "contended", "priority"] as const;
/** Of real servers and, with a quorum, of virtual servers. */
export const DIRECTOR_EVENTS = ["up", "down", "quorum-up", "quorum-down"] as const;
export const NOTIFICATION_EVENTS = [...VRRP_EVENTS, ...DIRECTOR_EVENTS] as const;
export type VrrpEvent = (typeof VRRP_EVENTS)[number];
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

/** Whose events. */
export type NotificationSubject =
  | { readonly type: "virtual-router"; readonly name: string }
  | { readonly type: "sync-group"; readonly name: string }
  /** Its quorum's, and its real servers'. */
  | { readonly type: "virtual-server"; readonly name: string }
  /** One real server's, by its address and port, as "192.0.2.10:80". */
  | { readonly type: "real-server"; readonly name: string; readonly virtualServer: string }
  | { readonly type: "all" };

export interface NotificationConfiguration {
  readonly subject: NotificationSubject;
  readonly events: readonly NotificationEvent[];
  readonly target: NotificationTarget;
}

export type NotificationTarget =
  | PluginUse
  | (CommandUse & { readonly appendEvent: boolean })
  | { readonly type: "mail" }
  | {
      readonly type: "fifo";
      readonly path: string;
      readonly user: string | undefined;
      readonly reader: Command | undefined;
    };

export interface MailConfiguration {
  readonly server: string;
  readonly port: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly helo: string | undefined;
  readonly routerName: string | undefined;
  readonly connectTimeoutMs: number;
}

/** A file whose number counts. */
export interface FileConfiguration {
  readonly name: string;
  readonly path: string;
  /** How long a number must stay before it counts. */
  readonly delayMs: number;
}

/** Processes whose number counts: up while it is within the quorum's bounds. */
export interface ProcessConfiguration {
  readonly name: string;
  readonly pattern: ProcessPattern;
  readonly quorum: number;
  readonly quorumMax: number;
  /** How long the number must have been good, or bad, before it counts. */
  readonly riseDelayMs: number;
  readonly fallDelayMs: number;
}

/** A command and its arguments for each action; an absent one is done by systemd or not at all. */
export interface ServiceCommands {
  readonly start?: readonly string[] | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly restart?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
}
