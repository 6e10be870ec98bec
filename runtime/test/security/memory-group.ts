/** Where the kernel keeps the memory limit of a sandbox host: version 1 or 2 of cgroups(7). */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface MemoryGroup {
  readonly folder: string;
  /** The files in it. */
  readonly limit: string;
  readonly members: string;
}

/** @returns undefined when the process is in no group that karuntime made. */
export function memoryGroupOf(pid: number): MemoryGroup | undefined {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const [, version1, path] = /^\d+:(memory)?:(.*karuntime-\d+-.*)$/m.exec(groups) ?? [];
  if (path === undefined) return undefined;
  const folder = join("/sys/fs/cgroup", version1 ?? "", path);
  const limit = join(folder, version1 === undefined ? "memory.max" : "memory.limit_in_bytes");
  return { folder, limit, members: join(folder, "cgroup.procs") };
}
