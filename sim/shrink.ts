/** Makes a failing scenario smaller while it fails the same invariant: delta debugging (Zeller and Hildebrandt, 2002). */
import { run } from "./cluster.ts";
import type { Core } from "./core.ts";
import type { Action, Scenario, Setup } from "./scenario.ts";
import type { Violation } from "./violation.ts";

/** Each makes the setup plainer, or leaves it as it is. */
const SIMPLER: readonly ((setup: Setup) => Setup)[] = [
  (setup) => ({ ...setup, bytes: false }),
  (setup) => ({ ...setup, authentication: "none" }),
  (setup) => ({ ...setup, network: { ...setup.network, lossRate: 0 } }),
  (setup) => ({ ...setup, network: { ...setup.network, duplicateRate: 0 } }),
  (setup) => ({ ...setup, network: { ...setup.network, delayMinMs: 0, delayMaxMs: 0 } }),
  (setup) => ({ ...setup, latenessMs: 0 }),
  (setup) => ({ ...setup, startDelayMs: 0 }),
  (setup) => ({ ...setup, nodes: setup.nodes.map((node) => ({ ...node, startsFirst: false })) }),
  (setup) => ({
    ...setup,
    nodes: setup.nodes.map((node) => ({ ...node, clockRate: 1, clockOffsetMs: 0 })),
  }),
  (setup) => ({ ...setup, grouped: false }),
  (setup) => ({ ...setup, routers: setup.routers.slice(0, 1), grouped: false }),
  (setup) => ({
    ...setup,
    routers: setup.routers.map((router) => ({
      ...router,
      preemptDelaysMs: router.preemptDelaysMs.map(() => 0),
    })),
  }),
];

export interface Shrunk {
  readonly scenario: Scenario;
  /** Runs that it took. */
  readonly runs: number;
}

/** @param stepsMax where a run that does not fail ends: a smaller scenario must not become a much longer one. */
export function shrink(
  core: Core,
  scenario: Scenario,
  violation: Violation,
  stepsMax: number,
): Shrunk {
  let runs = 0;
  const fails = (candidate: Scenario): boolean => {
    runs++;
    return run(core, candidate, { stepsMax }).violation?.kind === violation.kind;
  };
  let present = scenario;
  for (;;) {
    const { setup } = present;
    const actions = fewer(present.actions, (candidate) => fails({ setup, actions: candidate }));
    const simpler = SIMPLER.reduce((before, simplify) => {
      const candidate = simplify(before);
      return same(candidate, before) || !fails({ setup: candidate, actions }) ? before : candidate;
    }, setup);
    const done = same(simpler, setup);
    present = { setup: simpler, actions };
    if (done) return { scenario: present, runs };
  }
}

function same(a: Setup, b: Setup): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Takes out ever smaller parts of the list, down to single actions, until none can be missed. */
function fewer(
  actions: readonly Action[],
  fails: (actions: readonly Action[]) => boolean,
): readonly Action[] {
  let present = actions;
  let parts = 2;
  while (present.length > 0) {
    const length = Math.ceil(present.length / parts);
    let found = false;
    for (let from = 0; from < present.length; from += length) {
      const without = present.toSpliced(from, length);
      if (!fails(without)) continue;
      present = without;
      parts = Math.max(2, parts - 1);
      found = true;
      break;
    }
    if (found) continue;
    if (length <= 1) return present;
    parts = Math.min(present.length, parts * 2);
  }
  return present;
}
