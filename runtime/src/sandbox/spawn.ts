/** How a sandbox host is started: with nothing that it does not need. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { nodePermissions } from "./node-permissions.ts";

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

/** The descriptor on which a host speaks with its daemon. */
export const CHANNEL_DESCRIPTOR = 3;

/**
 * Starts a sandbox host. Of root's capabilities only those to change its user pass exec, and the host gives these up before
 * it takes a message; what it runs can gain none (no_new_privs). Its environment is empty.
 *
 * @param user to change to; undefined when this process cannot: the host then keeps this process's user, and any capability is dropped.
 * @param memoryBytes that it may use: what it shares with other processes does not count.
 * @param readable absolute paths of files that its plugins are granted; one that ends with "/" covers what is beneath it.
 */
export function spawnSandboxHost({
  user,
  memoryBytes,
  readable,
}: {
  readonly user: SandboxUser | undefined;
  readonly memoryBytes: number;
  readonly readable: readonly string[];
}): {
  readonly child: ChildProcess;
  readonly channel: Socket;
} {
  const capabilities = user === undefined ? "-all" : "-all,+setuid,+setgid";
  const identity = user === undefined ? [] : ["--uid", String(user.uid), "--gid", String(user.gid)];
  const setpriv = [
    "--no-new-privs",
    "--inh-caps=-all",
    ...(process.getuid?.() === 0 ? [`--bounding-set=${capabilities}`] : []),
  ];
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  const child = spawn(
    "setpriv",
    [
      ...setpriv,
      process.execPath,
      "--max-semi-space-size=2",
      ...nodePermissions(readable),
      main,
      ...identity,
      `--memory=${memoryBytes}`,
    ],
    {
      // What it writes by itself is a crash: it goes to the log, not into it.
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      env: {},
      cwd: "/",
      // A terminal's Ctrl-C is for the daemon alone.
      detached: true,
    },
  );
  const channel = child.stdio[CHANNEL_DESCRIPTOR];
  if (!(channel instanceof Socket)) throw new Error("the sandbox host has no channel");
  return { child, channel };
}
