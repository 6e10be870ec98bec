/** CPU time of a group of processes and all their children, living or dead, by a control group of version 1 or 2. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { waitFor } from "@karuntime/lab/time.ts";

const ROOT = "/sys/fs/cgroup";

export interface CpuGroup {
  add(pid: number): void;
  /** Milliseconds used since the group was made. */
  usedMs(): number;
  /** Waits until its processes are gone, and removes it. */
  close(): Promise<void>;
}

/** @throws Error when this machine has no control groups that can be used. */
export function createCpuGroup(name: string): CpuGroup {
  const version1 = existsSync(`${ROOT}/cpuacct`);
  const folder = `${version1 ? `${ROOT}/cpuacct` : ROOT}/karuntime-bench-${process.pid}-${name}`;
  mkdirSync(folder);
  return {
    add: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid)),
    usedMs() {
      if (version1) return Number(readFileSync(`${folder}/cpuacct.usage`, "utf8")) / 1e6;
      return (
        Number(/^usage_usec (\d+)$/m.exec(readFileSync(`${folder}/cpu.stat`, "utf8"))?.[1]) / 1e3
      );
    },
    async close() {
      await waitFor(
        `${name}'s processes to end`,
        () => readFileSync(`${folder}/cgroup.procs`, "utf8") === "",
        10_000,
      );
      rmdirSync(folder);
    },
  };
}
