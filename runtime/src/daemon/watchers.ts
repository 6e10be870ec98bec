/** The trackers that need no plugin: numbers in files and numbers of processes. */
import type { Configuration, ProcessConfiguration } from "../config/model.ts";
import type { Debounce } from "../debounce.ts";
import { debounce } from "../debounce.ts";
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
  for (const { name, path, delayMs } of files) {
    const gate = debounce<number>(
      () => delayMs,
      (value) => {
        log.info({ file: path, value }, "tracked file says");
        tell(trackerName("file", name), value);
      },
    );
    const watch = watchNumber(path, (value) => {
      if (value === undefined) log.warn({ file: path }, "holds no number and counts as 0");
      gate.set(value ?? 0);
    });
    closers.push(() => watch.close(), gate.close);
  }
  if (processes.length > 0) {
    const gates = processes.map((process) => gateFor(process, tell, log));
    const watch = watchProcesses(
      processes.map(({ pattern }) => pattern),
      (index, count) => gates[index]?.set(count),
    );
    closers.push(() => watch.close(), ...gates.map((gate) => gate.close));
  }
  return { close: () => closers.forEach((close) => close()) };
}

/** Turns numbers of processes into up and down, each only after its delay; the first judgement is made at once. */
function gateFor(
  { name, quorum, quorumMax, riseDelayMs, fallDelayMs }: ProcessConfiguration,
  tell: (name: string, state: TrackerState) => void,
  log: Logger,
): Debounce<number> {
  let count = 0;
  const gate = debounce<"up" | "down">(
    (state) => (state === "up" ? riseDelayMs : fallDelayMs),
    (state) => {
      log[state === "up" ? "info" : "warn"](
        { process: name, count },
        `tracked process is ${state}`,
      );
      tell(trackerName("process", name), state);
    },
  );
  return {
    set(now) {
      count = now;
      gate.set(now >= quorum && now <= quorumMax ? "up" : "down");
    },
    close: gate.close,
  };
}
