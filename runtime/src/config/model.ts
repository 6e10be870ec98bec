/** The configuration after validation: parsed values, defaults filled in, references resolved. */
import type { StaticHoldings } from "../engine/protocol.ts";
import type { ProcessPattern } from "../linux/process-watch.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";

export interface Configuration {
  readonly virtualRouters: readonly VirtualRouterConfig[];
  readonly holdings: StaticHoldings;
  readonly checks: readonly CheckConfiguration[];
  readonly files: readonly FileConfiguration[];
  readonly processes: readonly ProcessConfiguration[];
  readonly services: Readonly<Record<string, ServiceCommands>>;
  readonly sandbox: { readonly user: string | undefined };
  /** What is allowed and may surprise. */
  readonly warnings: readonly Warning[];
}

export interface Warning {
  readonly path: string;
  readonly message: string;
}

export interface CheckConfiguration {
  readonly name: string;
  /** As the configuration names it, relative to the configuration file. */
  readonly plugin: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
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
