/** A process inside a host: its output line by line, its end, and signals that reach it and not only the door it went through. */
import type { ChildProcessByStdio } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Lines kept for looking back. */
const LINES_MAX = 20_000;

export interface Line {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** Milliseconds of the monotonic clock, as `now()` gives them. */
  readonly atMs: number;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Milliseconds of CLOCK_MONOTONIC: one clock for every process of the machine, in hosts or not. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export class HostProcess {
  readonly lines: Line[] = [];
  /** Resolves when the process is gone. */
  readonly exited: Promise<Ending>;
  ending: Ending | undefined;
  readonly #door: ChildProcessByStdio<null, Readable, Readable>;
  #pid: number | undefined;

  /** @param door nsenter, which forks once inside and then waits for its only child. */
  constructor(
    door: ChildProcessByStdio<null, Readable, Readable>,
    onLine: ((line: Line) => void) | undefined,
  ) {
    this.#door = door;
    for (const stream of ["stdout", "stderr"] as const) {
      createInterface({ input: door[stream] }).on("line", (text) => {
        const line = { stream, text, atMs: now() };
        this.lines.push(line);
        if (this.lines.length > LINES_MAX) this.lines.shift();
        onLine?.(line);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      door.once("error", reject);
      door.once("close", (code, signal) => {
        this.ending = { code, signal };
        resolve(this.ending);
      });
    });
    // Whoever waits sees the error; whoever does not is not to die of it.
    this.exited.catch(() => {});
  }

  /** The process's id as the machine sees it (the host sees another one); undefined before it exists. */
  get pid(): number | undefined {
    this.#pid ??= childOf(this.#door.pid);
    return this.#pid;
  }

  /** @returns whether the process was there to receive it. */
  kill(signal: NodeJS.Signals = "SIGTERM"): boolean {
    const { pid } = this;
    if (pid === undefined || this.ending !== undefined) return false;
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }

  /** Everything it wrote, for messages. */
  get output(): string {
    return this.lines.map((line) => line.text).join("\n");
  }
}

function childOf(parent: number | undefined): number | undefined {
  if (parent === undefined) return undefined;
  try {
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").split(" ");
    return child === undefined || child === "" ? undefined : Number(child);
  } catch {
    return undefined; // It is gone already.
  }
}
