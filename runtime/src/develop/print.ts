/** A run for people, and as one JSON object for programs. */
import type { Diagnostic } from "../config/diagnostic.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import type { Metric, Outcome, TracedCall, TracedInvocation } from "../sandbox/protocol.ts";
import type { Run } from "./session.ts";

/** What `invoke` exits with. */
const STATUS: Readonly<Record<Outcome, number>> = {
  up: 0,
  down: 1,
  "timed out": 2,
  "out of memory": 2,
  error: 2,
};
const NOT_LOADED = 2;
/** What stands in a denial after what is denied. */
const LINE_TO_ADD = /permissions: (\{.*\})$/;

export function exitStatus(run: Run): number {
  return run.type === "ran" ? STATUS[run.invocation.outcome] : NOT_LOADED;
}

export function jsonOf(run: Run, file: string): Readonly<Record<string, unknown>> {
  if (run.type === "not loaded")
    return { plugin: file, outcome: run.type, diagnostics: run.diagnostics };
  const { kind, invocation, logs } = run;
  return { plugin: file, kind, ...invocation, denied: denials(invocation), logs };
}

/** @param name the package, or its file relative to the working directory. */
export function formatRun(run: Run, name: string): string {
  if (run.type === "not loaded") return `not loaded\n${formatDiagnostics(run.diagnostics)}`;
  const { kind, invocation, logs } = run;
  const denied = denials(invocation);
  return [
    `${kind} ${name}: ${formatOutcome(invocation)}`,
    `  took ${ms(invocation.durationMs)}, ${ms(invocation.cpuMs)} of CPU; its host has ${Math.round(invocation.memoryBytes / 1e6)} MB`,
    ...section("calls", callLines(invocation)),
    ...section(
      "log",
      logs.map(({ level, message }) => `${level.padEnd(5)}  ${message}`),
    ),
    ...section("metrics", invocation.metrics.map(formatMetric)),
    ...section(
      "denied",
      denied.map(({ name, message, add }) =>
        add === undefined ? message : `${name}: add to the plugin's permissions: ${add}`,
      ),
    ),
  ].join("\n");
}

function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(formatDiagnostic).join("\n");
}

function formatOutcome({ outcome, reason, weight }: TracedInvocation): string {
  if (outcome === "up") return weight === null ? "up" : `up, weight ${weight}`;
  // "timed out: timed out after 5000 ms" says it twice.
  return reason.startsWith(outcome) ? reason : `${outcome}: ${reason}`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`  ${title}`, ...lines.map((line) => `    ${line}`)];
}

function callLines({ calls, callsLeftOut, outcome }: TracedInvocation): readonly string[] {
  const lines = calls
    // A time limit that was not needed says nothing.
    .filter(({ name, durationMs }) => name !== "timer" || durationMs !== null || outcome !== "up")
    .map(formatCall);
  return callsLeftOut === 0 ? lines : [...lines, `${callsLeftOut} further calls`];
}

function formatCall({ name, argument, atMs, durationMs, result, error }: TracedCall): string {
  const came = error === null ? (result ?? "") : `error: ${error}`;
  const took = durationMs === null ? "not answered" : ms(durationMs);
  return `${`+${ms(atMs)}`.padEnd(11)}${name} ${argument} -> ${came}${came === "" ? "" : " "}(${took})`;
}

function formatMetric({ name, type, labels, value }: Metric): string {
  const pairs = Object.entries(labels).map(([label, said]) => `${label}=${JSON.stringify(said)}`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value} (${type})`;
}

/** What was denied, each kind once, with what to add to the plugin's permissions. */
function denials({ calls }: TracedInvocation): readonly {
  readonly name: string;
  readonly message: string;
  /** Undefined where no permission allows it. */
  readonly add: string | undefined;
}[] {
  const denied = new Map(
    calls
      .filter((call) => call.denied)
      .map(({ name, error }) => [error ?? "", { name, message: error ?? "" }]),
  );
  return [...denied.values()].map((denial) => ({
    ...denial,
    add: LINE_TO_ADD.exec(denial.message)?.[1],
  }));
}

function ms(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}
