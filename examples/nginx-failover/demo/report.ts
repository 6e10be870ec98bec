/** What the demo prints: one line per event with its time, one verdict per step, and a table at the end. */
import { now } from "@karuntime/lab/time.ts";
import type { Bound } from "./bounds.ts";
import { totalMs } from "./bounds.ts";

/** What a step came to. */
export interface Verdict {
  readonly title: string;
  /** The longest time without an answer that the client saw. */
  readonly outageMs: number;
  readonly allowed: Bound;
  /** Who answered the client before and after. */
  readonly before: string;
  readonly after: string;
  /** What else had to hold, in words, and whether it did. */
  readonly facts: readonly Fact[];
  readonly passed: boolean;
}

export interface Fact {
  readonly text: string;
  readonly holds: boolean;
}

const terminal = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
const startedMs = now();

function colour(code: number, text: string): string {
  return terminal ? `\u001B[${code}m${text}\u001B[0m` : text;
}
const bold = (text: string): string => colour(1, text);
const dim = (text: string): string => colour(2, text);
const verdictColour = (passed: boolean, text: string): string => colour(passed ? 32 : 31, text);

/** A line with the time since the demo began. */
export function say(text: string, atMs = now()): void {
  console.log(`${dim(`${((atMs - startedMs) / 1000).toFixed(3).padStart(8)} s`)}  ${text}`);
}

/** A line of the nodes' own logs, less conspicuous than the story. */
export function remark(text: string, atMs = now()): void {
  say(dim(`  ${text}`), atMs);
}

export function sayTitle(number: number, title: string): void {
  console.log("");
  say(bold(`${number}. ${title}`));
}

export function sayVerdict(verdict: Verdict): void {
  const parts = verdict.allowed.map((part) => `${seconds(part.ms)} ${part.what}`).join(" + ");
  say(`  the client got no answer for ${seconds(verdict.outageMs)}`);
  say(`  allowed ${seconds(totalMs(verdict.allowed))}: ${parts}`);
  say(`  who answers: before ${verdict.before}, after ${verdict.after}`);
  for (const fact of verdict.facts)
    say(`  ${fact.holds ? "yes" : verdictColour(false, "no ")}: ${fact.text}`);
  say(`  ${verdictColour(verdict.passed, verdict.passed ? "PASS" : "FAIL")}`);
}

/** A step that could not be played to its end. */
export function sayFailure(error: unknown): void {
  say(
    `  ${verdictColour(false, `FAIL: ${error instanceof Error ? error.message : String(error)}`)}`,
  );
}

export function sayTable(verdicts: readonly Verdict[]): void {
  const head = ["", "step", "outage", "allowed", "before", "after", "result"];
  const rows = verdicts.map((verdict, index) => [
    String(index + 1),
    verdict.title,
    seconds(verdict.outageMs),
    seconds(totalMs(verdict.allowed)),
    verdict.before,
    verdict.after,
    verdict.passed ? "PASS" : "FAIL",
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const rightAligned = new Set([0, 2, 3]);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return rightAligned.has(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  console.log("");
  console.log(bold(line(head)));
  rows.forEach((row, index) => {
    const passed = verdicts[index]?.passed === true;
    console.log(line(row).replace(/(PASS|FAIL)$/, (word) => verdictColour(passed, word)));
  });
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
