/** Control groups: a limit that the kernel itself keeps for the memory of a process (cgroups(7)). */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = "/sys/fs/cgroup";

export interface MemoryGroup {
  /** Puts a process under the limit. @returns whether the kernel took it. */
  add(pid: number): boolean;
  /** Removes the group; what still is in it keeps it. */
  remove(): void;
}

/**
 * Makes a group of the name with a limit, of version 1 or 2, whichever this host gives us a place in.
 *
 * @param limitBytes what its processes may use together; beyond it the kernel ends them.
 * @returns undefined where there is no such place: no root, a read-only /sys/fs/cgroup, no memory controller delegated to us.
 */
export function createMemoryGroup(name: string, limitBytes: number): MemoryGroup | undefined {
  for (const { parent, limit } of places(readOr("/proc/self/cgroup", ""))) {
    const path = join(parent, name);
    try {
      mkdirSync(path, { recursive: false, mode: 0o755 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") continue;
    }
    try {
      writeFileSync(join(path, limit), String(limitBytes));
    } catch {
      remove(path);
      continue;
    }
    return {
      add(pid) {
        try {
          writeFileSync(join(path, "cgroup.procs"), String(pid));
          return true;
        } catch {
          return false;
        }
      },
      remove: () => remove(path),
    };
  }
  return undefined;
}

/** Where a group could be made, the best place first. @param own this process's groups, as in /proc/self/cgroup. */
function places(own: string): readonly { readonly parent: string; readonly limit: string }[] {
  const found: { readonly parent: string; readonly limit: string }[] = [];
  for (const line of own.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers.split(",").includes("memory"))
      found.push({ parent: join(ROOT, "memory", path), limit: "memory.limit_in_bytes" });
    // A group of version 2 with processes of its own has no limited ones beneath it: beside it is the place.
    if (controllers === "" && path !== "/")
      found.push({ parent: join(ROOT, dirname(path)), limit: "memory.max" });
    if (controllers === "") found.push({ parent: join(ROOT, path), limit: "memory.max" });
  }
  return found.filter(({ parent, limit }) => limit !== "memory.max" || delegates(parent));
}

/** Whether groups beneath this one have a memory limit; asks for it where it may. */
function delegates(parent: string): boolean {
  const file = join(parent, "cgroup.subtree_control");
  if (readOr(file, "").split(/\s/).includes("memory")) return true;
  try {
    writeFileSync(file, "+memory");
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
