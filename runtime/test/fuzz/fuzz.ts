/**
 * A coverage-guided fuzzer: inputs that lead into code where none was before are kept and changed further. Coverage is V8's
 * own (inspector, precise block coverage), of the rooms `packet` and `vrrp`.
 */
import { Session } from "node:inspector";
import type { Profiler } from "node:inspector";
import { internetChecksum } from "../../src/packet/checksum.ts";
import { Random } from "../../../sim/random.ts";
import type { Target } from "./targets.ts";

const BATCH = 256;
const OCTETS_MAX = 1500;
/** Of the processor's time: a busy machine makes nothing slow. */
const SLOW_US = 100_000;
/** Behind the input, to see whether anything reads past its end. */
const CANARIES = [0x00, 0xff];
const CANARY_OCTETS = 64;
const INTERESTING = [0, 1, 2, 3, 4, 0x21, 0x31, 0x33, 0x45, 0x70, 0x7f, 0x80, 0xfe, 0xff];

export interface Finding {
  readonly target: string;
  readonly hex: string;
  readonly error: string;
}

export interface Report {
  readonly inputs: number;
  readonly corpus: number;
  /** Blocks of code that ran, by function. */
  readonly covered: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  readonly finding: Finding | undefined;
}

export function fuzz(options: {
  readonly targets: () => readonly Target[];
  readonly seeds: readonly Uint8Array[];
  readonly seed: number;
  /** Inputs are the same work on every machine. */
  readonly budget: { readonly milliseconds: number } | { readonly inputs: number };
}): Report {
  const random = new Random(options.seed);
  const corpus = [...options.seeds];
  const covered = new Set<string>();
  const functions = new Set<string>();
  /** What inputs have reached one by one. */
  const reached = new Set<string>();
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const startedAtMs = performance.now();
  const { budget } = options;
  let inputs = 0;
  let finding: Finding | undefined;

  /** Runs inputs; @returns whether they led anywhere new. */
  function run(batch: readonly Uint8Array[]): boolean {
    // Two sets with different canaries see the same inputs in the same order: their answers must be the same.
    const pairs = CANARIES.map(() => options.targets());
    for (const input of batch) {
      inputs++;
      finding ??= examine(pairs, input);
      if (finding !== undefined) return false;
    }
    return note(session, covered, functions);
  }

  run(corpus);
  const left = (): boolean =>
    "inputs" in budget
      ? inputs < budget.inputs
      : performance.now() - startedAtMs < budget.milliseconds;
  while (finding === undefined && left()) {
    const batch = Array.from({ length: BATCH }, () => mutate(random, corpus));
    if (!run(batch)) continue;
    // One of them did; which one shows when each runs alone with nothing known but what was known before.
    corpus.push(...batch.filter((input) => isNew(input)));
  }
  session.post("Profiler.stopPreciseCoverage");
  session.disconnect();
  return { inputs, corpus: corpus.length, covered, functions, finding };

  /** The blocks that a single input reaches, against those that the corpus has reached by itself. */
  function isNew(input: Uint8Array): boolean {
    note(session, new Set(), functions);
    for (const target of options.targets()) target.run(input);
    return note(session, reached, functions);
  }
}

function examine(pairs: readonly (readonly Target[])[], input: Uint8Array): Finding | undefined {
  const [first = []] = pairs;
  for (const [index, { name }] of first.entries()) {
    const hex = Buffer.from(input).toString("hex");
    try {
      const before = process.cpuUsage();
      const answers = pairs.map((targets, canary) => {
        const buffer = new Uint8Array(input.length + CANARY_OCTETS).fill(CANARIES[canary] ?? 0);
        buffer.set(input);
        return JSON.stringify(targets[index]?.run(buffer.subarray(0, input.length)));
      });
      if (new Set(answers).size !== 1)
        return { target: name, hex, error: "what lies behind the input changes the answer" };
      const { user } = process.cpuUsage(before);
      if (user > SLOW_US) return { target: name, hex, error: `took ${user} µs` };
    } catch (error) {
      return {
        target: name,
        hex,
        error: error instanceof Error ? (error.stack ?? "") : String(error),
      };
    }
  }
  return undefined;
}

/** Adds what ran since the last time. @returns whether any of it is new. */
function note(session: Session, covered: Set<string>, functions: Set<string>): boolean {
  let news = false;
  session.post(
    "Profiler.takePreciseCoverage",
    (error, answer: Profiler.TakePreciseCoverageReturnType) => {
      if (error !== null) throw error;
      for (const { url, functions: list } of answer.result) {
        const file = /\/src\/((?:packet|vrrp)\/[\w-]+\.ts)$/.exec(url)?.[1];
        if (file === undefined) continue;
        for (const { functionName, ranges } of list) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count === 0) continue;
            const block = `${file}:${startOffset}-${endOffset}`;
            if (covered.has(block)) continue;
            covered.add(block);
            functions.add(functionName);
            news = true;
          }
        }
      }
    },
  );
  return news;
}

function mutate(random: Random, corpus: readonly Uint8Array[]): Uint8Array {
  const pick = (): Uint8Array => corpus[random.below(corpus.length)] ?? new Uint8Array(0);
  let bytes = [...pick()];
  for (let change = random.below(4); change >= 0; change--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(6)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        bytes[at] = INTERESTING[random.below(INTERESTING.length)] ?? 0;
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes.splice(at, 0, ...Array.from({ length: random.below(40) }, () => random.below(256)));
        break;
      case 4:
        bytes = [...bytes.slice(0, at), ...pick().slice(random.below(60))];
        break;
      default:
        bytes[at] = random.below(256);
    }
  }
  const mutated = Uint8Array.from(bytes.slice(0, OCTETS_MAX));
  return random.below(4) === 0 ? mutated : repaired(mutated);
}

/** Lengths and checksums made right again, so that what comes after them is reached. */
function repaired(bytes: Uint8Array): Uint8Array {
  if ((bytes[0] ?? 0) >>> 4 !== 4 || bytes.length < 28) return bytes;
  bytes[2] = bytes.length >>> 8;
  bytes[3] = bytes.length & 0xff;
  const header = ((bytes[0] ?? 0) & 15) * 4;
  const at = header + (bytes[9] === 51 ? 24 : 0);
  if (bytes.length < at + 8) return bytes;
  const octets = 8 + (bytes[at + 3] ?? 0) * 4 + ((bytes[at] ?? 0) >>> 4 === 2 ? 8 : 0);
  bytes[at + 6] = 0;
  bytes[at + 7] = 0;
  const sum = internetChecksum(bytes.subarray(at, at + octets));
  bytes[at + 6] = sum >>> 8;
  bytes[at + 7] = sum & 0xff;
  return bytes;
}
