/** Checks that are commands: when each runs, and what its exit statuses come to after rise and fall. */
import { readFileSync } from "node:fs";
import type { CheckConfiguration, CommandsConfiguration, CommandUse } from "../config/model.ts";
import { stopsKeepalived } from "../config/stops-keepalived.ts";
import { gridBefore, nextDue } from "../health/schedule.ts";
import { createTracker, record } from "../health/tracker.ts";
import type { Logger } from "../observe/log.ts";
import type { CheckReport, Outcome } from "../sandbox/protocol.ts";
import type { CommandResult, CommandRunner } from "./command.ts";
import { describeResult } from "./command.ts";
import { commandIdentity } from "./command-user.ts";
import type { Judge } from "./judge.ts";

const TIMER_MS_MAX = 2 ** 31 - 1;

export type CommandCheck = Extract<CheckConfiguration, CommandUse>;

export interface CommandChecks {
  reports(): CheckReport[];
  stop(): void;
}

/** Starts all of them. @param judge gets every change. */
export function startCommandChecks(
  checks: readonly CommandCheck[],
  commands: CommandsConfiguration,
  runner: CommandRunner,
  judge: Judge,
  log: Logger,
): CommandChecks {
  const started = checks.map((check, index) => start(check, index, commands, runner, judge, log));
  return {
    reports: () => started.map((check) => check.report(performance.now())),
    stop() {
      for (const check of started) check.stop();
    },
  };
}

function start(
  check: CommandCheck,
  index: number,
  commands: CommandsConfiguration,
  runner: CommandRunner,
  judge: Judge,
  log: Logger,
): { report(nowMs: number): CheckReport; stop(): void } {
  const { name, command } = check;
  const outcomes: Record<Outcome, number> = {
    up: 0,
    down: 0,
    "timed out": 0,
    "out of memory": 0,
    error: 0,
  };
  let tracker = createTracker(check.initialState);
  let last: CheckReport["last"] & { readonly atMs?: number };
  let reason = "";
  let runs = 0;
  let skipped = 0;
  /** Whether its last run did not judge, and its state was held; that is logged once. */
  let holding = false;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const identity = commandIdentity(command, commands);
  const interceptStop = commandStopsKeepalived(command.argv);
  if (!identity.ok) log.error({ check: name, reason: identity.reason }, "the check never runs");

  async function runOnce(): Promise<CommandResult> {
    if (!identity.ok) return { type: "not-started", reason: identity.reason };
    return runner.run(command.argv, {
      user: identity.user,
      timeoutMs: check.timeoutMs,
      interceptStop,
      onOutput: (line) => log.debug({ check: name, line }, "the check's command says"),
    });
  }

  async function cycle(dueMs: number): Promise<void> {
    const startedAtMs = performance.now();
    const result = await runOnce();
    if (stopped) return;
    take(result, performance.now() - startedAtMs);
    const next = nextDue(dueMs, check.intervalMs, performance.now());
    skipped += next.skipped;
    const waitMs = Math.max(0, Math.ceil(next.atMs - performance.now()));
    timer = setTimeout(() => void cycle(next.atMs), Math.min(TIMER_MS_MAX, waitMs));
  }

  function take(result: CommandResult, durationMs: number): void {
    const success = result.type === "exited" && result.status === 0;
    const outcome = success ? "up" : outcomeOf(result);
    const said = success ? "" : `${command.argv[0] ?? ""} ${describeResult(result)}`;
    runs++;
    outcomes[outcome]++;
    last = { outcome, reason: said, durationMs, cpuMs: 0, agoMs: 0, atMs: performance.now() };
    const before = tracker.state;
    const judged = outcome === "up" || outcome === "down";
    if (!judged && check.onFault === "hold" && before !== "unknown") {
      if (!holding) log.warn({ check: name, reason: said }, `the check holds its state, ${before}`);
      holding = true;
      return;
    }
    holding = false;
    tracker = record(tracker, success, check);
    if (!success || tracker.state === "up") reason = said;
    if (tracker.state !== "unknown" && (tracker.state !== before || runs === 1))
      judge.set(name, tracker.state, reason);
  }

  void cycle(gridBefore(performance.now(), index, check.intervalMs));
  return {
    report: (nowMs) => ({
      check: name,
      state: tracker.state,
      reason,
      last: last === undefined ? undefined : { ...last, agoMs: nowMs - (last.atMs ?? nowMs) },
      runs,
      outcomes,
      metrics: [],
      faults: 0,
      backsOffMs: 0,
      skipped,
      denied: 0,
    }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function outcomeOf(result: CommandResult): Outcome {
  if (result.type === "timed-out") return "timed out";
  return result.type === "exited" || result.type === "stopped-keepalived" ? "down" : "error";
}

const SCRIPT_BYTES_MAX = 256 * 1024;

/** Whether the command's words, or the script that they name, stop keepalived. */
function commandStopsKeepalived(argv: readonly string[]): boolean {
  if (stopsKeepalived(argv.join(" ")) !== undefined) return true;
  try {
    const text = readFileSync(argv[0] ?? "", "utf8").slice(0, SCRIPT_BYTES_MAX);
    return stopsKeepalived(text) !== undefined;
  } catch {
    return false;
  }
}
