/** The state machine in the simulated network, and that the simulation would notice if it were wrong. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { campaign, shrunk } from "./campaign.ts";
import { run } from "./cluster.ts";
import { present } from "./core.ts";
import { clusters } from "./exhaustive-report.ts";
import { exhaust } from "./exhaustive.ts";
import { mutations } from "./mutation-list.ts";
import { mutated, tryMutation } from "./mutations.ts";
import { EventQueue } from "./queue.ts";
import { Random } from "./random.ts";
import { fromLines, toLines } from "./scenario.ts";

/** Enough for every mutation to be found within. */
const SEEDS = 3000;
const PACKET_SEEDS = 300;
const DEPTHS: Readonly<Record<number, number>> = { 2: 7, 3: 5 };

function mutation(name: string): (typeof mutations)[number] {
  const found = mutations.find((entry) => entry.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

describe("the parts", () => {
  test("a seed determines all numbers, and streams of it differ", () => {
    const draw = (seed: number, stream?: number): number[] => {
      const random = new Random(seed, stream);
      return Array.from({ length: 100 }, () => random.next());
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    assert.notDeepEqual(draw(1), draw(1, 1));
    const mean = draw(7).reduce((sum, value) => sum + value) / 100;
    assert.ok(mean > 0.35 && mean < 0.65, `mean ${mean}`);
  });
  test("the queue gives out by time, and in order of arrival where times are equal", () => {
    const random = new Random(3);
    const queue = new EventQueue<readonly [number, number]>();
    const all = Array.from({ length: 1000 }, (_, order) => [random.below(50), order] as const);
    for (const entry of all) queue.push(entry[0], entry);
    const out = Array.from({ length: all.length }, () => queue.pop());
    assert.deepEqual(
      out,
      all.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]),
    );
    assert.equal(queue.pop(), undefined);
  });
});

describe("the state machine", () => {
  test("keeps every invariant in simulated networks", () => {
    const { failure, calms } = campaign(present, { firstSeed: 0, seeds: SEEDS });
    assert.equal(failure === undefined ? undefined : toLines(shrunk(present, failure)), undefined);
    assert.ok(calms > SEEDS, `${calms} calms`);
  });
  test("keeps them where advertisements travel as packets", () => {
    const options = { firstSeed: 0, seeds: PACKET_SEEDS, bytes: true };
    const { failure } = campaign(present, options);
    assert.equal(failure === undefined ? undefined : toLines(shrunk(present, failure)), undefined);
  });
  for (const { name, setup } of clusters) {
    const depth = DEPTHS[setup.nodes.length] ?? 0;
    test(`keeps them in every interleaving of ${name}, to a depth of ${depth}`, () => {
      const { failure, states } = exhaust(present, setup, { depth, calmEvery: 1 });
      assert.deepEqual(failure, undefined);
      assert.ok(states > 1000, `${states} states`);
    });
  }
});

describe("a bug is found", () => {
  for (const [name, invariant] of [
    ["equal priority compared the wrong way round", "a rank"],
    ["addresses kept when leaving", "b addresses"],
    ["one missed advertisement too few", "e patience"],
    ["sync group: yield forgotten", "h sync group"],
  ] as const)
    test(name, async () => {
      const { failure } = await tryMutation(mutation(name), SEEDS);
      assert.equal(failure?.violation.invariant, invariant);
    });
  test("in every interleaving, too", async () => {
    const core = await mutated(mutation("equal priority compared the wrong way round"));
    const equal = clusters.find(({ name }) => name.includes("equal priorities"));
    assert.ok(equal !== undefined);
    const { failure } = exhaust(core, equal.setup, { depth: 5, calmEvery: 1 });
    assert.equal(failure?.violation.invariant, "a rank");
  });
  test("and its scenario becomes small, and fails again when it is replayed", async () => {
    const core = await mutated(mutation("a late master keeps the addresses"));
    const { failure } = campaign(core, { firstSeed: 0, seeds: SEEDS });
    assert.ok(failure !== undefined);
    const small = shrunk(core, failure);
    assert.ok(small.actions.length <= 4, `${small.actions.length} actions`);
    assert.ok(small.actions.length < failure.scenario.actions.length);
    const replayed = fromLines(toLines(small));
    assert.deepEqual(replayed, small);
    assert.equal(run(core, replayed).violation?.kind, failure.violation.kind);
    assert.equal(run(present, replayed).violation, undefined);
  });
});
