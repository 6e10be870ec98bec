/** A process inside a host: its output line by line, its end, and signals that reach it and not only the door it went through. */
import type { ChildProcessByStdio } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { now } from "./time.ts";

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

export class HostProcess {
  readonly lines: Line[] = [];
  /** Resolves when the process is gone. */
  readonly exited: Promise<Ending>;
  ending: Ending | undefined;
  /** Resolves when the process is gone and all of its output is here. */
  readonly drained: Promise<void>;
  readonly #door: ChildProcessByStdio<null, Readable, Readable>;
  #pid: number | undefined;

  /** @param door nsenter, which forks once inside and then waits for its only child. */
  constructor(
    door: ChildProcessByStdio<null, Readable, Readable>,
    output: {
      readonly onLine?: (line: Line) => void;
      readonly onOutput?: (bytes: Buffer) => void;
    },
  ) {
    this.#door = door;
    const { onLine, onOutput } = output;
    if (onOutput !== undefined) door.stdout.on("data", onOutput);
    for (const stream of ["stdout", "stderr"] as const) {
      if (stream === "stdout" && onOutput !== undefined) continue;
      createInterface({ input: door[stream] }).on("line", (text) => {
        const line = { stream, text, atMs: now() };
        this.lines.push(line);
        if (this.lines.length > LINES_MAX) this.lines.shift();
        onLine?.(line);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      door.once("error", reject);
      // Not `close`: what the process left behind may hold its output open for ever.
      door.once("exit", (code, signal) => {
        this.ending = { code, signal };
        resolve(this.ending);
      });
    });
    this.drained = new Promise((resolve) => door.once("close", () => resolve()));
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
      process.kill(pid, signal);
      // nsenter stops itself together with its child, and has to be woken to report how that ends.
      if (signal !== "SIGSTOP") this.#door.kill("SIGCONT");
      return true;
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
