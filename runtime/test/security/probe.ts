/**
 * Stands where a sandbox host's main file stands, behind the very same walls, and tries to get out. What came of each
 * attempt goes to standard output: "done", or the error's code.
 *
 *   ... probe.ts --uid UID --gid GID --memory=BYTES FOREIGN-PID DAEMON-PID FOLDER
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { dropPrivileges } from "../../dist/sandbox/drop-privileges.js";

const { values, positionals } = parseArgs({
  options: { uid: { type: "string" }, gid: { type: "string" }, memory: { type: "string" } },
  allowPositionals: true,
});
dropPrivileges(values.uid, values.gid);
const [foreignPid = "", daemonPid = "", folder = ""] = positionals;

async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
    return "done";
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code ?? message;
  }
}

const attempts: Readonly<Record<string, () => unknown>> = {
  "read /etc/shadow": () => readFileSync("/etc/shadow"),
  "read /etc/passwd": () => readFileSync("/etc/passwd"),
  "read a file of anybody": () => readFileSync(`${folder}/open`),
  "read a private file": () => readFileSync(`${folder}/private`),
  "read through /proc/self/root": () => readFileSync("/proc/self/root/etc/passwd"),
  "read through /proc/self/cwd": () => readFileSync("/proc/self/cwd/etc/passwd"),
  "list a folder": () => readdirSync("/etc"),
  "write a file": () => writeFileSync(`${folder}/written`, "x"),
  "append to a file": () => appendFileSync(`${folder}/open`, "x"),
  "open a file to write": () => openSync(`${folder}/open`, "r+"),
  "make a folder": () => mkdirSync(`${folder}/made`),
  "make a symbolic link": () => symlinkSync("/etc/shadow", `${folder}/link`),
  "make a link": () => linkSync(`${folder}/open`, `${folder}/link`),
  "rename a file": () => renameSync(`${folder}/open`, `${folder}/renamed`),
  "remove a file": () => rmSync(`${folder}/open`),
  "change a mode": () => chmodSync(`${folder}/open`, 0o777),
  "start a process": () => {
    const { error } = spawnSync("/bin/true");
    if (error !== undefined) throw error;
  },
  "start a shell": () => execFileSync("/bin/sh", ["-c", "true"]),
  "start a worker": () => new Worker("0", { eval: true }),
  "open the inspector": async () => (await import("node:inspector")).open(0, "127.0.0.1"),
  "inspect itself": async () => new (await import("node:inspector")).Session().connect(),
  "run WASI": async () => new (await import("node:wasi")).WASI({ version: "preview1" }),
  "use what Node is made of": () =>
    (process as unknown as { binding(name: string): unknown }).binding("fs"),
  "load a module from elsewhere": () => createRequire("/")("/etc/passwd"),
  "become root": () => process.setuid?.(0),
  "become root for effect": () => process.seteuid?.(0),
  "become root's group": () => process.setgid?.(0),
  "join root's group": () => process.setgroups?.([0]),
  "signal the daemon": () => process.kill(Number(daemonPid), 0),
  "signal process 1": () => process.kill(1, 0),
  "read another host's environment": () => readFileSync(`/proc/${foreignPid}/environ`),
  "read another host's memory map": () => readFileSync(`/proc/${foreignPid}/maps`),
  "open another host's memory": () => openSync(`/proc/${foreignPid}/mem`, "r"),
  "see another host's descriptors": () => readlinkSync(`/proc/${foreignPid}/fd/3`),
  "read the daemon's environment": () => readFileSync(`/proc/${daemonPid}/environ`),
  "read the daemon's memory map": () => readFileSync(`/proc/${daemonPid}/maps`),
  "know its own memory": () => readFileSync("/proc/self/statm"),
};

const outcomes: Record<string, string> = {};
for (const [name, attempt] of Object.entries(attempts)) outcomes[name] = await outcome(attempt);
process.stdout.write(JSON.stringify(outcomes), () => process.kill(process.pid, "SIGKILL"));
