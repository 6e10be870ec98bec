/**
 * A host of the lab: network, process, mount and UTS namespaces, held together by one init process. Init reads its
 * standard input and ends when the lab does, however the lab ends; the kernel then kills every process of the host
 * and takes its interfaces away. So nothing can be left over.
 */
import { execFile, spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Line } from "./host-process.ts";
import { HostProcess } from "./host-process.ts";
import { waitFor } from "./time.ts";

const EXEC_MS_MAX = 15_000;
const EXEC_OUTPUT_MAX = 4 * 1024 * 1024;
const START_MS_MAX = 10_000;

/** Where ip, nginx and keepalived are, also for users whose PATH does not say so. */
const SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";

/*
 * Runs as the host's process 1. Ignoring SIGCHLD makes the kernel reap what daemons leave to init; otherwise a killed
 * nginx would stay countable as a zombie for ever.
 */
const INIT = `
set -eu
hostname "$1"
mount -t tmpfs -o mode=755 tmpfs /run
for conf in /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/conf/default; do
  [ ! -e $conf/disable_ipv6 ] || echo 1 >$conf/disable_ipv6
done
ip link set lo up
echo ready
exec env --ignore-signal=CHLD cat
`;

export interface ExecResult {
  /** The exit status; undefined when a signal or the time limit ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; default: `/`. */
  readonly cwd?: string;
}

export interface SpawnOptions extends ExecOptions {
  readonly onLine?: (line: Line) => void;
  /** Gets standard output as it comes; its lines are then not kept. */
  readonly onOutput?: (bytes: Buffer) => void;
}

export interface RunningProcess {
  /** As the machine sees it: what `process.kill` takes. */
  readonly pid: number;
  /** As the host itself sees it: what its pid files and its logs say. */
  readonly hostPid: number;
  /** The name in /proc/PID/comm. */
  readonly name: string;
  /** The letter in /proc/PID/status: R, S, T (stopped), Z (zombie), ... */
  readonly state: string;
}

export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** Seconds until the kernel removes it; undefined when it stays. */
  readonly validSeconds: number | undefined;
}

export class Host {
  readonly name: string;
  /** The host's interface on the switch. */
  readonly interface: string;
  readonly #init: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Init as the machine sees it: the way into all of the host's namespaces. */
  readonly initPid: number;

  private constructor(
    name: string,
    interfaceName: string,
    init: ChildProcessByStdio<Writable, Readable, Readable>,
    initPid: number,
  ) {
    this.name = name;
    this.interface = interfaceName;
    this.#init = init;
    this.initPid = initPid;
  }

  /** Starts an unconnected host. Use `lab.host`, which also plugs it in. */
  static async start(name: string, interfaceName: string): Promise<Host> {
    const namespaces = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"];
    const init = spawn("unshare", [...namespaces, "sh", "-c", INIT, "init", name], {
      stdio: ["pipe", "pipe", "pipe"],
      env: environment({}),
    });
    let complaint = "";
    init.stderr.on("data", (text: Buffer) => (complaint += text.toString()));
    // Init may be gone when the lab closes its input; that is no news.
    init.stdin.on("error", () => {});
    const ready = once(init.stdout, "data").then(([text]) => String(text).trim() === "ready");
    const failed = once(init, "exit").then(() => false);
    if (!(await Promise.race([ready, failed]))) {
      throw new Error(
        `host ${name}: its namespaces could not be set up: ${complaint.trim() || "unshare ended without a word"}`,
      );
    }
    const [child = ""] = readFileSync(`/proc/${init.pid}/task/${init.pid}/children`, "utf8").split(
      " ",
    );
    return new Host(name, interfaceName, init, Number(child));
  }

  /** Runs a command to its end. @throws Error only when it could not be started; look at `status`. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return new Promise((resolve) => {
      execFile(
        "nsenter",
        this.#enter(argv, options),
        {
          env: environment(options.env),
          timeout: EXEC_MS_MAX,
          killSignal: "SIGKILL",
          maxBuffer: EXEC_OUTPUT_MAX,
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : error.code;
          resolve({ status: typeof code === "number" ? code : undefined, stdout, stderr });
        },
      );
    });
  }

  /** Runs a command that must succeed. @returns its standard output. @throws Error with what it said. */
  async run(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const result = await this.exec(argv, options);
    if (result.status !== 0) {
      const said = `${result.stdout}${result.stderr}`.trim();
      throw new Error(
        `host ${this.name}: ${argv.join(" ")} ended with status ${result.status ?? "none"}: ${said}`,
      );
    }
    return result.stdout;
  }

  /** Starts a process that goes on. Resolves once it exists. */
  async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<HostProcess> {
    const door = spawn("nsenter", this.#enter(argv, options), {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment(options.env),
    });
    const process = new HostProcess(door, options);
    await waitFor(
      `${argv[0] ?? ""} to start on ${this.name}`,
      () => process.pid !== undefined || process.ending !== undefined,
      START_MS_MAX,
    );
    return process;
  }

  /** Every process of the host but init. */
  processes(): RunningProcess[] {
    const namespace = readlinkSync(`/proc/${this.initPid}/ns/pid`);
    const found: RunningProcess[] = [];
    for (const entry of readdirSync("/proc")) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === this.initPid) continue;
      try {
        if (readlinkSync(`/proc/${entry}/ns/pid`) !== namespace) continue;
        const status = readFileSync(`/proc/${entry}/status`, "utf8");
        const field = (name: string): string =>
          new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
        found.push({
          pid,
          hostPid: Number(field("NSpid").split(/\s+/).at(-1)),
          name: field("Name"),
          state: field("State").slice(0, 1),
        });
      } catch {
        // It ended while we looked.
      }
    }
    return found;
  }

  /** Sends a signal to every process of that name. @returns how many there were. */
  killByName(name: string, signal: NodeJS.Signals = "SIGKILL"): number {
    const targets = this.processes().filter((process) => process.name === name);
    for (const target of targets) {
      try {
        process.kill(target.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    return targets.length;
  }

  /**
   * SIGKILL to every process of the host at once, as when its power fails, except that the host and its addresses stay
   * to be looked at.
   */
  async killEverything(): Promise<void> {
    // kill(-1) from inside reaches all but the sender and process 1, under one lock of the kernel.
    await this.run(["sh", "-c", "kill -KILL -1"]);
    await waitFor(
      `every process of ${this.name} to end`,
      () => this.processes().length === 0,
      START_MS_MAX,
    );
  }

  /** The addresses on the host's interface, in the kernel's order: IPv4 before IPv6. */
  async addresses(): Promise<InterfaceAddress[]> {
    const json = await this.run(["ip", "-json", "address", "show", "dev", this.interface]);
    const links = JSON.parse(json) as readonly {
      readonly addr_info?: readonly {
        readonly local: string;
        readonly prefixlen: number;
        readonly valid_life_time: number;
      }[];
    }[];
    return links
      .flatMap((link) => link.addr_info ?? [])
      .map((info) => ({
        address: info.local,
        prefixLength: info.prefixlen,
        validSeconds: info.valid_life_time === 0xffff_ffff ? undefined : info.valid_life_time,
      }));
  }

  async holds(address: string): Promise<boolean> {
    return (await this.addresses()).some((entry) => entry.address === address);
  }

  async setLink(state: "up" | "down"): Promise<void> {
    await this.run(["ip", "link", "set", this.interface, state]);
  }

  /** A path of the host as the machine reaches it: what the host mounted there counts. */
  path(hostPath: string): string {
    return `/proc/${this.initPid}/root${hostPath}`;
  }

  /** Writes a file as the host sees it; only into what the host mounted for itself (/run, and what helpers add). */
  write(hostPath: string, text: string): void {
    mkdirSync(dirname(this.path(hostPath)), { recursive: true });
    writeFileSync(this.path(hostPath), text);
  }

  read(hostPath: string): string {
    return readFileSync(this.path(hostPath), "utf8");
  }

  /** Covers a directory of the machine with an empty one of the host's own. */
  async mountEmpty(directory: string): Promise<void> {
    await this.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory]);
  }

  /** Ends the host and everything in it. */
  async stop(): Promise<void> {
    if (this.#init.exitCode !== null || this.#init.signalCode !== null) return;
    const exited = once(this.#init, "exit");
    this.#init.stdin.end();
    await exited;
  }

  #enter(argv: readonly string[], options: ExecOptions): string[] {
    const target = ["--target", String(this.initPid), "--mount", "--net", "--pid", "--uts", "--"];
    return [...target, "env", "-C", options.cwd ?? "/", "--", ...argv];
  }
}

function environment(
  extra: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string | undefined>> {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:${SYSTEM_PATH}`, ...extra };
}
