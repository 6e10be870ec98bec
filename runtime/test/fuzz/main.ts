/**
 * Fuzzes everything that takes bytes from the network.
 *
 *   node runtime/test/fuzz/main.ts [--seconds N] [--seed S]
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { createTargets, seeds } from "./targets.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
});
const seconds = Number(values.seconds);
const report = fuzz({
  targets: createTargets,
  seeds: seeds(),
  seed: Number(values.seed),
  budget: { milliseconds: seconds * 1000 },
});
console.log(
  `seed ${values.seed}: ${report.inputs} inputs, ${Math.round(report.inputs / seconds)} a second; ${report.corpus} kept, ${report.covered.size} blocks in ${report.functions.size} functions`,
);
if (report.finding !== undefined) {
  const { target, hex, error } = report.finding;
  console.log(`${target}\n${hex}\n${error}`);
  process.exitCode = 1;
}
