/** The configuration after validation: parsed values, defaults filled in, references resolved. */
import type { VirtualRouterConfig } from "../vrrp/types.ts";

export interface Configuration {
  readonly virtualRouters: readonly VirtualRouterConfig[];
  readonly checks: readonly CheckConfiguration[];
  readonly services: Readonly<Record<string, ServiceCommands>>;
  readonly sandbox: { readonly user: string | undefined };
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

/** A command and its arguments for each action; an absent one is done by systemd or not at all. */
export interface ServiceCommands {
  readonly start?: readonly string[] | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly restart?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
}
