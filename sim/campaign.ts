/** Many seeds in a row, and what becomes of the first one that fails. */
import type { Seen } from "./cluster.ts";
import { run } from "./cluster.ts";
import type { Core } from "./core.ts";
import { generate } from "./generate.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import type { Violation } from "./violation.ts";

/** What a failure in the first steps may take more when something else is left out. */
const STEPS_SPARE = 100;

export interface CampaignOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Calls of `step` in one run at most. */
  readonly stepsMax?: number | undefined;
  /** Every seed through packets; otherwise some of them. */
  readonly bytes?: boolean | undefined;
  /** Leaves out the seeds whose virtual routers are in a `RouterSet`. */
  readonly plain?: boolean | undefined;
}

export interface Failure {
  readonly seed: number;
  readonly violation: Violation;
  readonly scenario: Scenario;
  readonly steps: number;
}

export interface Campaign {
  /** Seeds that were run, the failing one among them. */
  readonly seeds: number;
  readonly steps: number;
  /** Calms after which order was checked. */
  readonly calms: number;
  readonly seen: Seen;
  readonly failure: Failure | undefined;
}

/** Stops at the first failure. */
export function campaign(core: Core, options: CampaignOptions): Campaign {
  const { firstSeed, seeds, stepsMax = Number.POSITIVE_INFINITY, bytes, plain } = options;
  const seen: Seen = new Map();
  let steps = 0;
  let calms = 0;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const scenario = generate(seed, bytes === true ? true : undefined);
    if (plain === true && (scenario.setup.grouped || scenario.setup.bytes)) continue;
    const result = run(core, scenario, { seen, stepsMax });
    steps += result.steps;
    calms += result.calms;
    const { violation } = result;
    if (violation === undefined) continue;
    const failure = { seed, violation, scenario, steps: result.steps };
    return { seeds: seed - firstSeed + 1, steps, calms, seen, failure };
  }
  return { seeds, steps, calms, seen, failure: undefined };
}

/** The failing scenario, as small as it gets, and not much longer than it was. */
export function shrunk(core: Core, { scenario, violation, steps }: Failure): Scenario {
  return shrink(core, scenario, violation, 2 * steps + STEPS_SPARE).scenario;
}
