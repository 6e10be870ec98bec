/** Control groups: a limit that the kernel itself keeps for the memory of a process (cgroups(7)). */
import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = "/sys/fs/cgroup";
/** starttime in /proc/PID/stat, counted from the state, which follows the name. */
const START_TIME_FIELD = 22 - 3;

export interface MemoryGroup {
  /** Puts a process under the limit. @returns whether the kernel took it. */
  add(pid: number): boolean;
  /** Removes the group; what still is in it keeps it. */
  remove(): void;
}

/** Where groups can be made, and the files of their limits. */
interface Place {
  readonly parent: string;
  readonly limit: string;
  /** Without this one, what is beyond the limit would go to swap space. */
  readonly swapLimit: string;
  /** What that one is set to when the memory's limit is `bytes`. */
  readonly swapBytes: (bytes: number) => number;
}

const VERSION_1 = {
  limit: "memory.limit_in_bytes",
  // Of memory and swap space together.
  swapLimit: "memory.memsw.limit_in_bytes",
  swapBytes: (bytes: number) => bytes,
};
const VERSION_2 = { limit: "memory.max", swapLimit: "memory.swap.max", swapBytes: () => 0 };

/**
 * Makes a group with a limit, of version 1 or 2, whichever this host gives us a place in. What processes of karuntime that
 * were killed left there is removed.
 *
 * @param name unique within this process.
 * @param limitBytes what its processes may use together; beyond it the kernel ends them.
 * @returns undefined where there is no such place: no root, a read-only /sys/fs/cgroup, no memory controller delegated to us.
 */
export function createMemoryGroup(name: string, limitBytes: number): MemoryGroup | undefined {
  for (const place of places(readOr("/proc/self/cgroup", ""))) {
    removeLeftovers(place.parent);
    const own = `karuntime-${process.pid}-${startTimeOf(process.pid)}`;
    const path = join(place.parent, `${own}-${encodeURIComponent(name)}`);
    if (!make(path, place, limitBytes)) continue;
    const put = (pid: number): boolean => write(join(path, "cgroup.procs"), String(pid));
    return {
      // Another daemon, to which this process's number means nothing, may have taken it for left over while it was empty.
      add: (pid) => put(pid) || (make(path, place, limitBytes) && put(pid)),
      remove: () => remove(path),
    };
  }
  return undefined;
}

function make(path: string, { limit, swapLimit, swapBytes }: Place, limitBytes: number): boolean {
  try {
    mkdirSync(path, { recursive: false, mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  }
  if (!write(join(path, limit), String(limitBytes))) {
    remove(path);
    return false;
  }
  // Not there where the kernel does not count swap space, or has none.
  write(join(path, swapLimit), String(swapBytes(limitBytes)));
  return true;
}

/** Where a group could be made, the best place first. @param own this process's groups, as in /proc/self/cgroup. */
function places(own: string): readonly Place[] {
  const found: Place[] = [];
  for (const line of own.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers.split(",").includes("memory"))
      found.push({ parent: join(ROOT, "memory", path), ...VERSION_1 });
    // A group of version 2 with processes of its own, but the root, has no limited ones beneath it: beside it is the place.
    const parent = join(ROOT, dirname(path));
    if (controllers === "" && delegates(parent)) found.push({ parent, ...VERSION_2 });
  }
  return found;
}

/** Whether groups beneath this one have a memory limit; asks for it where it may. */
function delegates(parent: string): boolean {
  const file = join(parent, "cgroup.subtree_control");
  return readOr(file, "").split(/\s/).includes("memory") || write(file, "+memory");
}

/**
 * Groups of processes that are no more. The time of its start tells a process from a later one of the same number; and the
 * kernel removes no group that a process is in.
 */
function removeLeftovers(parent: string): void {
  for (const name of entriesOf(parent)) {
    const [, pid, startTime] = /^karuntime-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && startTimeOf(Number(pid)) !== startTime) remove(join(parent, name));
  }
}

/** In ticks since the machine was booted; undefined when there is no such process. */
function startTimeOf(pid: number): string | undefined {
  const stat = readOr(`/proc/${pid}/stat`, "");
  // The name, in parentheses, may contain anything.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[START_TIME_FIELD];
}

function entriesOf(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function write(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // A process that is about to end is still in it; an empty group costs next to nothing.
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
