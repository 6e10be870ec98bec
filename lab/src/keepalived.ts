/** A real keepalived on a host, written from parameters. */
import type { Host } from "./host.ts";
import type { HostProcess } from "./host-process.ts";

const CONFIGURATION = "/run/keepalived-lab/keepalived.conf";

export interface KeepalivedOptions {
  /** Virtual router identifier. */
  readonly id: number;
  readonly priority: number;
  readonly addresses: readonly string[];
  /** Whole seconds. Default 1. */
  readonly advertIntervalSeconds?: number;
  /** `auth_type PASS`; none by default. */
  readonly password?: string;
  readonly nopreempt?: boolean;
  /** Tracked with weight 0. */
  readonly scripts?: readonly KeepalivedScript[];
}

export interface KeepalivedScript {
  readonly name: string;
  readonly command: string;
  readonly intervalSeconds: number;
}

export interface Keepalived {
  readonly process: HostProcess;
  readonly configuration: string;
  /** SIGTERM: resigns and ends. */
  stop(): Promise<void>;
  /** SIGKILL to all of its processes: what it had on the interface stays. */
  kill(): Promise<void>;
}

/** Starts keepalived in the foreground; its log is `process.lines`. */
export async function startKeepalived(host: Host, options: KeepalivedOptions): Promise<Keepalived> {
  const configuration = keepalivedConfiguration(host.interface, options);
  host.write(CONFIGURATION, configuration);
  const process = await host.spawn([
    "keepalived",
    "--dont-fork",
    "--log-console",
    "--log-detail",
    "--vrrp",
    "--use-file",
    CONFIGURATION,
  ]);
  return {
    process,
    configuration,
    async stop() {
      process.kill("SIGTERM");
      await process.exited;
    },
    async kill() {
      // The parent first: it would start a new child.
      process.kill("SIGKILL");
      host.killByName("keepalived", "SIGKILL");
      await process.exited;
    },
  };
}

/** The text of keepalived.conf. */
export function keepalivedConfiguration(interfaceName: string, options: KeepalivedOptions): string {
  const scripts = options.scripts ?? [];
  return [
    // Without a user for scripts keepalived looks for one named keepalived_script.
    block("global_defs", ["router_id lab", "script_user root", "vrrp_version 2"]),
    ...scripts.map((script) =>
      block(`vrrp_script ${script.name}`, [
        `script "${script.command}"`,
        `interval ${script.intervalSeconds}`,
      ]),
    ),
    block("vrrp_instance VI_1", [
      "state BACKUP",
      `interface ${interfaceName}`,
      `virtual_router_id ${options.id}`,
      `priority ${options.priority}`,
      `advert_int ${options.advertIntervalSeconds ?? 1}`,
      ...(options.nopreempt === true ? ["nopreempt"] : []),
      ...(options.password === undefined
        ? []
        : [block("authentication", ["auth_type PASS", `auth_pass ${options.password}`])]),
      block("virtual_ipaddress", options.addresses),
      ...(scripts.length === 0
        ? []
        : [
            block(
              "track_script",
              scripts.map((script) => script.name),
            ),
          ]),
    ]),
    "",
  ].join("\n");
}

function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map((line) => line.replace(/^/gm, "    ")).join("\n")}\n}`;
}
