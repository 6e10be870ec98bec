/** The trackers that need no plugin: numbers in files and numbers of processes. */
import type { Configuration, ProcessConfiguration } from "../config/model.ts";
import { trackerName } from "../config/trackers.ts";
import { watchNumber } from "../linux/file-watch.ts";
import { watchProcesses } from "../linux/process-watch.ts";
import type { Logger } from "../observe/log.ts";
import type { TrackerState } from "../vrrp/types.ts";

export interface Watchers {
  close(): void;
}

/** @param tell gets what each says, and every change of it. */
export function startWatchers(
  { files, processes }: Pick<Configuration, "files" | "processes">,
  tell: (name: string, state: TrackerState) => void,
  log: Logger,
): Watchers {
  const closers: (() => void)[] = [];
  for (const { name, path } of files) {
    const watch = watchNumber(path, (value) => {
      if (value === undefined) log.warn({ file: path }, "holds no number and counts as 0");
      else log.info({ file: path, value }, "tracked file says");
      tell(trackerName("file", name), value ?? 0);
    });
    closers.push(() => watch.close());
  }
  if (processes.length > 0) {
    const deciders = processes.map((process) => decider(process, tell, log));
    const watch = watchProcesses(
      processes.map(({ pattern }) => pattern),
      (index, count) => deciders[index]?.count(count),
    );
    closers.push(() => watch.close(), ...deciders.map((entry) => () => entry.close()));
  }
  return { close: () => closers.forEach((close) => close()) };
}

/** Turns numbers of processes into up and down, each only after its delay; the first judgement is made at once. */
function decider(
  process: ProcessConfiguration,
  tell: (name: string, state: TrackerState) => void,
  log: Logger,
) {
  const { name, quorum, quorumMax, riseDelayMs, fallDelayMs } = process;
  let state: "unknown" | "up" | "down" = "unknown";
  let pending: NodeJS.Timeout | undefined;
  function set(next: "up" | "down", count: number): void {
    state = next;
    log[next === "up" ? "info" : "warn"]({ process: name, count }, `tracked process is ${next}`);
    tell(trackerName("process", name), next);
  }
  return {
    count(count: number): void {
      const next = count >= quorum && count <= quorumMax ? "up" : "down";
      clearTimeout(pending);
      pending = undefined;
      if (next === state) return;
      const delayMs = state === "unknown" ? 0 : next === "up" ? riseDelayMs : fallDelayMs;
      if (delayMs === 0) set(next, count);
      else pending = setTimeout(() => set(next, count), delayMs);
    },
    close: () => clearTimeout(pending),
  };
}
