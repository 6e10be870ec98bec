/**
 * Runs the state machine against a simulated network, with seeds that determine everything.
 *
 *   node sim/main.ts --seeds N [--seed S] [--steps M] [--bytes]   seeds S to S + N, with at most M steps each
 *   node sim/main.ts --replay FILE                                a scenario that was printed, with a trace
 *   node sim/main.ts --mutations [--seeds N]                      bugs that have to be found
 *   node sim/main.ts --exhaustive [--depth D]                     every interleaving of a small cluster
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { campaign, shrunk } from "./campaign.ts";
import { run } from "./cluster.ts";
import { present } from "./core.ts";
import { reportExhaustive } from "./exhaustive-report.ts";
import { reportMutations } from "./mutations.ts";
import { fromLines, toLines } from "./scenario.ts";

const SEEDS = 1000;
const MUTATION_SEEDS = 3000;
const SECOND_MS = 1000;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    seed: { type: "string", default: "0" },
    steps: { type: "string" },
    depth: { type: "string" },
    bytes: { type: "boolean", default: false },
    replay: { type: "string" },
    mutations: { type: "boolean", default: false },
    exhaustive: { type: "boolean", default: false },
  },
});

const ok = await (async (): Promise<boolean> => {
  if (values.replay !== undefined) return replay(values.replay);
  if (values.mutations) return reportMutations(count(values.seeds, MUTATION_SEEDS), console.log);
  if (values.exhaustive) return reportExhaustive(count(values.depth, undefined), console.log);
  return seeds();
})();
process.exitCode = ok ? 0 : 1;

function count<T extends number | undefined>(text: string | undefined, otherwise: T): number | T {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`not a number: ${text}`);
  return value;
}

function seeds(): boolean {
  const startedAtMs = performance.now();
  const result = campaign(present, {
    firstSeed: count(values.seed, 0),
    seeds: count(values.seeds, SEEDS),
    stepsMax: count(values.steps, undefined),
    bytes: values.bytes,
  });
  const seconds = (performance.now() - startedAtMs) / SECOND_MS;
  console.log(
    `${result.seeds} seeds, ${result.steps} steps, ${Math.round(result.steps / seconds)} steps/s, ${result.calms} calms in order`,
  );
  const seen = [...result.seen].toSorted(([, a], [, b]) => b - a);
  for (const [what, times] of seen) console.log(`${String(times).padStart(9)} ${what}`);
  const { failure } = result;
  if (failure === undefined) return true;
  const { seed, violation } = failure;
  console.log(`seed ${seed}: ${violation.invariant}: ${violation.place}: ${violation.message}`);
  console.log(toLines(shrunk(present, failure)));
  return false;
}

function replay(file: string): boolean {
  const scenario = fromLines(readFileSync(file, "utf8"));
  const { violation, steps } = run(present, scenario, { trace: (line) => console.log(line) });
  console.log(
    violation === undefined
      ? `${steps} steps, nothing found`
      : `${violation.invariant}: ${violation.place}: ${violation.message}`,
  );
  return violation === undefined;
}
