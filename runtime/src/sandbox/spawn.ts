/** How a sandbox host is started: with nothing that it does not need. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { nodePermissions } from "./node-permissions.ts";

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

/** fcntl.h; not among Node's constants. */
const O_CLOEXEC = 0o2000000;
/** What a host runs. */
export const HOST_MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
/** The descriptor on which a host speaks with its daemon. */
export const CHANNEL_DESCRIPTOR = 3;

export interface SandboxHostOptions {
  /** To change to; undefined when this process cannot: the host then keeps this process's user, and any capability is dropped. */
  readonly user: SandboxUser | undefined;
  /** That it may use: what it shares with other processes does not count. */
  readonly memoryBytes: number;
  /** Absolute paths of files that it reads for its plugins; one that ends with "/" covers what is beneath it. */
  readonly readable: readonly string[];
}

/**
 * Starts a sandbox host. Of root's capabilities only those to change its user pass exec, and the host gives these up before
 * it takes a message; what it runs can gain none (no_new_privs). Its environment is empty.
 */
export function spawnSandboxHost(options: SandboxHostOptions): {
  readonly child: ChildProcess;
  readonly channel: Socket;
} {
  const [command, ...words] = sandboxHostArgv(options);
  const nothing = openSync("/dev/null", "r");
  // What it writes by itself is a crash: it goes to the log, not into it.
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "ignore", "pipe", "pipe"];
  for (const descriptor of inheritable()) {
    while (stdio.length < descriptor) stdio.push("ignore");
    stdio[descriptor] = nothing;
  }
  const child = spawn(command, words, {
    stdio,
    env: {},
    cwd: "/",
    // A terminal's Ctrl-C is for the daemon alone.
    detached: true,
  });
  closeSync(nothing);
  const channel = child.stdio[CHANNEL_DESCRIPTOR];
  if (!(channel instanceof Socket)) throw new Error("the sandbox host has no channel");
  return { child, channel };
}

/** The command line of a host. */
export function sandboxHostArgv({
  user,
  memoryBytes,
  readable,
}: SandboxHostOptions): readonly [string, ...string[]] {
  const root = process.getuid?.() === 0;
  const capabilities = user === undefined ? "-all" : "-all,+setuid,+setgid";
  return [
    "setpriv",
    "--no-new-privs",
    "--inh-caps=-all",
    ...(root ? [`--bounding-set=${capabilities}`] : []),
    process.execPath,
    "--max-semi-space-size=2",
    ...nodePermissions(readable),
    HOST_MAIN,
    ...(user === undefined ? [] : ["--uid", String(user.uid), "--gid", String(user.gid)]),
    `--memory=${memoryBytes}`,
  ];
}

/**
 * Further descriptors that a child of this process would get: what it was itself started with, such as a lock file of its
 * shell. Nobody meant them for plugins.
 */
function inheritable(): readonly number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((descriptor) => descriptor > CHANNEL_DESCRIPTOR && isInheritable(descriptor))
    .toSorted((a, b) => a - b);
}

function isInheritable(descriptor: number): boolean {
  try {
    const text = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const flags = Number.parseInt(/^flags:\s+(\d+)$/m.exec(text)?.[1] ?? "0", 8);
    return (flags & O_CLOEXEC) === 0;
  } catch {
    // The one by which the folder was listed.
    return false;
  }
}
