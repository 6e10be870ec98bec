/**
 * Measures karuntime and keepalived side by side and prints ratios.
 *
 *   npm run bench                       everything, about twenty minutes
 *   npm run bench -- --quick            everything with fewer repetitions
 *   npm run bench -- failover memory    only these
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { checks } from "./checks.ts";
import { death } from "./death.ts";
import { dev } from "./dev.ts";
import { failover } from "./failover.ts";
import { handover } from "./handover.ts";
import { intervals } from "./intervals.ts";
import { invocations } from "./invocations.ts";
import { many } from "./many.ts";
import { memory } from "./memory.ts";
import type { Figure, Measurement } from "./measurement.ts";
import { ratio } from "./measurement.ts";
import { scale } from "./scale.ts";
import { start } from "./start.ts";

/** bench/results.json: by what was measured. */
type Results = Readonly<Record<string, unknown>>;

const measurements: readonly Measurement[] = [
  failover,
  handover,
  checks,
  death,
  invocations,
  dev,
  many,
  intervals,
  scale,
  start,
  memory,
];

const words = process.argv.slice(2);
const quick = words.includes("--quick");
const names = words.filter((word) => word !== "--quick");
const unknown = names.filter(
  (name) => !measurements.some((measurement) => measurement.name === name),
);
if (unknown.length > 0)
  throw new Error(
    `there is no measurement ${unknown.join(", ")}; there are ${measurements.map((measurement) => measurement.name).join(", ")}`,
  );
if (process.getuid?.() !== 0)
  throw new Error(
    "the bench needs root: it makes network namespaces and control groups, and compares under SCHED_RR",
  );

const figures: Figure[] = [];
for (const measurement of measurements) {
  if (names.length > 0 && !names.includes(measurement.name)) continue;
  console.log(`measuring ${measurement.title} ...`);
  figures.push(...(await measurement.run(quick)));
}

console.log("");
console.log(row(["", "keepalived", "karuntime", "ratio", "aim", ""]));
for (const figure of figures) {
  const factor = ratio(figure);
  const value = (summary: Figure["karuntime"] | undefined): string =>
    summary === undefined ? "-" : `${format(summary[figure.by])} ${figure.unit}`;
  console.log(
    row([
      `${figure.what}${figure.by === "median" ? "" : ` (${figure.by})`}`,
      value(figure.keepalived),
      value(figure.karuntime),
      factor === undefined ? "-" : format(factor),
      figure.aim,
      figure.met ? "met" : "MISSED",
    ]),
  );
}
console.log("");
for (const figure of figures)
  if (figure.note !== undefined) console.log(`${figure.what}: ${figure.note}`);

if (!quick) writeResults();

/** Each figure replaces what was measured of it before, so that one measurement can be repeated alone. */
function writeResults(): void {
  const file = new URL("./results.json", import.meta.url);
  const earlier = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : {};
  const machine = {
    cores: cpus().length,
    processor: cpus()[0]?.model,
    kernel: release(),
    node: process.version,
    keepalived: keepalivedVersion(),
  };
  const date = new Date().toISOString();
  const measured = figures.map((figure) => [
    figure.what,
    { ...figure, ratio: ratio(figure), date, machine },
  ]);
  writeFileSync(
    file,
    `${JSON.stringify({ ...earlier, ...Object.fromEntries(measured) }, undefined, 2)}\n`,
  );
  console.log("written to bench/results.json");
}

function row(cells: readonly string[]): string {
  const widths = [52, 14, 14, 8, 20, 6];
  return cells
    .map((cell, index) =>
      index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
    )
    .join("  ");
}

function format(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

function keepalivedVersion(): string {
  return (
    spawnSync("keepalived", ["--version"], { encoding: "utf8" }).stderr.split("\n")[0] ?? "unknown"
  );
}
