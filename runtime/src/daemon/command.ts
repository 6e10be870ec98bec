/**
 * Runs commands as keepalived runs its scripts: without a shell, in process groups of their own, with this process's
 * environment less what would change how programs are loaded.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Ids } from "./command-user.ts";

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2000;
/** At the end there is less time. */
const LAST_GRACE_MS = 1000;
/** What SIGKILL has not ended after this time hangs in the kernel and is not waited for. */
const KILLED_MS_MAX = 1000;
/** From a command's end to the end of its output. */
const LAST_OUTPUT_MS_MAX = 100;
const LINE_CHARACTERS_MAX = 500;
const LINES_PER_RUN_MAX = 20;
/** Of all commands of a runner together. */
const LINES_PER_SECOND_MAX = 100;
const NOT_INHERITED = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

export type CommandResult =
  | { readonly type: "exited"; readonly status: number }
  /** It wanted keepalived to be stopped, and was kept from it: its way of saying that this host is unhealthy. */
  | { readonly type: "stopped-keepalived"; readonly by: string }
  | { readonly type: "killed"; readonly signal: string }
  | { readonly type: "timed-out"; readonly afterMs: number }
  | { readonly type: "not-started"; readonly reason: string };

export interface RunOptions {
  /** Default: this process's user. */
  readonly user?: Ids | undefined;
  /** Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Further arguments. */
  readonly append?: readonly string[] | undefined;
  /** Gets the lines that the command writes, a bounded number of them and a bounded number a second. */
  readonly onOutput?: ((line: string) => void) | undefined;
  /** Gets everything that the command writes. */
  readonly onData?: ((stream: "stdout" | "stderr", text: string) => void) | undefined;
  /** Ends the command. */
  readonly signal?: AbortSignal | undefined;
  /** It reads to the end of its input and then ends by itself: at the stop it is given the time for that. */
  readonly endsByItself?: boolean | undefined;
  /** Whether commands that stop keepalived are kept from it and reported. */
  readonly interceptStop?: boolean | undefined;
}

/** Commands that stand before the real ones in the PATH of such scripts, and what bash reads first. */
const SHIMS = fileURLToPath(new URL("../../shims", import.meta.url));

export interface CommandRunner {
  /** Never rejects. A command that runs too long is reported at once, and ended after that. */
  run(argv: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Ends whatever still runs. */
  stop(): Promise<void>;
}

/** @param cwd where commands run; default: where this process does. */
export function createCommandRunner(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  cwd?: string,
): CommandRunner {
  /** What runs, and whether it ends by itself. */
  const running = new Map<ChildProcess, boolean>();
  const mayWriteLine = createLineBudget();
  const env = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !NOT_INHERITED.includes(name)),
  );

  function run(
    [file = "", ...argv]: readonly string[],
    {
      user,
      timeoutMs,
      append = [],
      onOutput,
      onData,
      signal,
      endsByItself = false,
      interceptStop = false,
    }: RunOptions = {},
  ): Promise<CommandResult> {
    return new Promise((resolve) => {
      if (signal?.aborted === true)
        return resolve({ type: "not-started", reason: "it was called off before" });
      let child: ChildProcess;
      try {
        child = spawn(file, [...argv, ...append], {
          stdio: ["ignore", "pipe", "pipe", ...(interceptStop ? (["pipe"] as const) : [])],
          detached: true,
          env: interceptStop
            ? {
                ...env,
                PATH: `${SHIMS}:${env["PATH"] ?? ""}`,
                BASH_ENV: join(SHIMS, "bash-env"),
                KARUNTIME_PID: String(process.pid),
              }
            : env,
          cwd,
          ...user,
        });
      } catch (error) {
        return resolve({ type: "not-started", reason: reasonOf(error) });
      }
      running.set(child, endsByItself);
      for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").resume();
      if (onOutput !== undefined) forwardLines(child, (line) => mayWriteLine() && onOutput(line));
      if (onData !== undefined) forwardData(child, onData);
      // A process without free descriptors starts nothing, and then there are no pipes at all.
      const intercepted = (child.stdio as ChildProcess["stdio"] | undefined)?.[3];
      let stoppedBy: string | undefined;
      intercepted?.on(
        "data",
        (text: Buffer) => (stoppedBy ??= text.toString("utf8").split("\n")[0]),
      );
      const abort = (): void => void end(child, GRACE_MS);
      signal?.addEventListener("abort", abort, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              resolve({ type: "timed-out", afterMs: timeoutMs });
              void end(child, GRACE_MS);
            }, timeoutMs);
      const settle = (result: CommandResult): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        running.delete(child);
        resolve(stoppedBy === undefined ? result : { type: "stopped-keepalived", by: stoppedBy });
      };
      child.once("error", (error) => settle({ type: "not-started", reason: reasonOf(error) }));
      child.once("exit", async (status, signal) => {
        const streams = [child.stdout, child.stderr, intercepted].filter(
          (stream) => stream instanceof Socket,
        );
        await outputOf(child);
        // They stay open and are drained as long as somebody holds them, and keep nobody from ending.
        for (const stream of streams) stream.unref();
        settle(
          status === null
            ? { type: "killed", signal: signal ?? "unknown" }
            : { type: "exited", status },
        );
      });
    });
  }

  return {
    run,
    async stop() {
      await Promise.all(
        [...running].map(async ([child, endsByItself]) => {
          if (endsByItself) await within(LAST_GRACE_MS, exitOf(child));
          await end(child, LAST_GRACE_MS);
        }),
      );
    },
  };
}

/** SIGTERM to the whole group, then SIGKILL. */
async function end(child: ChildProcess, graceMs: number): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const ended = exitOf(child);
  signalGroup(pid, "SIGTERM");
  await within(graceMs, ended);
  // Also when the command itself has ended: what it started is in the same group.
  signalGroup(pid, "SIGKILL");
  await within(KILLED_MS_MAX, ended);
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}

/** What it wrote before it ended is read; what it left behind may hold its pipes, and is not waited for. */
async function outputOf(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await within(LAST_OUTPUT_MS_MAX, closed);
  // Timers run before what has arrived is read: late ones must not cut it off.
  await new Promise(setImmediate);
}

/** Waits for what may take longer. */
async function within(limitMs: number, what: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([what, limit]);
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Everything in the group has ended.
  }
}

function forwardData(
  child: ChildProcess,
  onData: (stream: "stdout" | "stderr", text: string) => void,
): void {
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (text: string) => onData(name, text));
}

function forwardLines(child: ChildProcess, onOutput: (line: string) => void): void {
  let lines = 0;
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    const say = (line: string): void => {
      const text = line.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
      if (text === "" || lines++ >= LINES_PER_RUN_MAX) return;
      onOutput(text.slice(0, LINE_CHARACTERS_MAX));
    };
    stream?.on("data", (text: string) => {
      if (lines >= LINES_PER_RUN_MAX) return;
      const parts = (rest + text).split("\n");
      rest = (parts.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
      for (const line of parts) say(line);
    });
    stream?.on("end", () => say(rest));
  }
}

/** @returns what says whether one more line may be written in this second. */
function createLineBudget(): () => boolean {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  return () => {
    const nowMs = performance.now();
    if (nowMs - sinceMs >= 1000) {
      sinceMs = nowMs;
      lines = 0;
    }
    return lines++ < LINES_PER_SECOND_MAX;
  };
}

function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown }).code;
  if (code === "ENOENT") return "there is no such file, or its interpreter is missing";
  if (code === "EACCES") return "it is not executable";
  if (code === "EPERM") return "this process may not become the command's user";
  if (code === "EMFILE" || code === "ENFILE") return "too many files are open";
  return error instanceof Error ? error.message : String(error);
}

/** A result as the end of a sentence. */
export function describeResult(result: CommandResult): string {
  switch (result.type) {
    case "exited":
      return `exited with status ${result.status}`;
    case "stopped-keepalived":
      return `says that this host is unhealthy: it stops keepalived (${result.by})`;
    case "killed":
      return `was ended by ${result.signal}`;
    case "timed-out":
      return `ran longer than ${result.afterMs / 1000} s`;
    case "not-started":
      return `could not be run: ${result.reason}`;
  }
}
