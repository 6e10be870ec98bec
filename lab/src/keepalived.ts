/** A real keepalived on a host, written from parameters. */
import type { Host } from "./host.ts";
import type { HostProcess } from "./host-process.ts";
import { waitFor } from "./time.ts";

const CONFIGURATION = "/run/keepalived-lab/keepalived.conf";

export interface KeepalivedOptions {
  /** Virtual router identifier. */
  readonly id: number;
  readonly priority: number;
  readonly addresses: readonly string[];
  /** Whole seconds in version 2. Default 1. */
  readonly advertIntervalSeconds?: number;
  /** Default 2. */
  readonly version?: 2 | 3;
  /** `auth_type PASS`; none by default. */
  readonly password?: string;
  /** `auth_type AH` with this password. */
  readonly ah?: string;
  readonly unicast?: { readonly source: string; readonly peers: readonly string[] };
  /** `use_vmac`. */
  readonly virtualMac?: boolean;
  /** A file whose number is multiplied by the weight and added to the priority; it must exist. */
  readonly trackFile?: { readonly path: string; readonly weight: number };
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
  /** Resolves when its log's last word on a state is this one. */
  entered(state: "MASTER" | "BACKUP" | "FAULT", timeoutMs: number): Promise<void>;
  /** SIGTERM: resigns and ends. */
  stop(): Promise<void>;
  /** SIGKILL to all of its processes: what it had on the interface stays. */
  kill(): Promise<void>;
}

/** Starts keepalived in the foreground; its log is `process.lines`. */
export async function startKeepalived(host: Host, options: KeepalivedOptions): Promise<Keepalived> {
  return startKeepalivedWith(host, keepalivedConfiguration(host.interface, options));
}

/** The same with a configuration of one's own. */
export async function startKeepalivedWith(host: Host, configuration: string): Promise<Keepalived> {
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
    async entered(state, timeoutMs) {
      await waitFor(
        `keepalived on ${host.name} to be ${state}`,
        () => lastState(process) === state,
        timeoutMs,
      );
    },
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

function lastState(process: HostProcess): string | undefined {
  return [...process.output.matchAll(/Entering (\w+) STATE/g)].at(-1)?.[1];
}

/** The text of keepalived.conf. */
export function keepalivedConfiguration(interfaceName: string, options: KeepalivedOptions): string {
  const scripts = options.scripts ?? [];
  return [
    // Without a user for scripts keepalived looks for one named keepalived_script.
    block("global_defs", ["router_id lab", "script_user root", "vrrp_version 2"]),
    ...(options.trackFile === undefined
      ? []
      : [
          block("track_file tracked", [
            `file ${options.trackFile.path}`,
            `weight ${options.trackFile.weight}`,
          ]),
        ]),
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
      ...(options.version === undefined ? [] : [`version ${options.version}`]),
      ...(options.nopreempt === true ? ["nopreempt"] : []),
      ...(options.virtualMac === true ? ["use_vmac"] : []),
      ...(options.password === undefined
        ? []
        : [block("authentication", ["auth_type PASS", `auth_pass ${options.password}`])]),
      ...(options.ah === undefined
        ? []
        : [block("authentication", ["auth_type AH", `auth_pass ${options.ah}`])]),
      ...(options.unicast === undefined
        ? []
        : [
            `unicast_src_ip ${options.unicast.source}`,
            block("unicast_peer", options.unicast.peers),
          ]),
      ...(options.trackFile === undefined ? [] : [block("track_file", ["tracked"])]),
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
