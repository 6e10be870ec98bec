/** What each weight means, row by row. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { tracker } from "../../test/virtual-router.ts";
import { effectivePriority } from "./priority.ts";
import type { TrackerState } from "./types.ts";

/** The amount, or "FAULT", for up, down and unknown. */
const rows: readonly (readonly [number, boolean, readonly (number | "FAULT")[]])[] = [
  [0, false, [0, "FAULT", "FAULT"]],
  [0, true, ["FAULT", 0, "FAULT"]],
  [20, false, [20, 0, 0]],
  [20, true, [-20, 0, 0]],
  [-20, false, [0, -20, 0]],
  [-20, true, [0, 20, 0]],
];
/** Weight, reverse, what the file says, and what it means. */
const numbers: readonly (readonly [number, boolean, number, number | "FAULT"])[] = [
  [1, false, 7, 7],
  [2, false, -5, -10],
  [2, true, -5, 10],
  [-1, false, 9, -9],
  [1, false, 300, 253],
  [1, false, -253, -253],
  [1, false, -254, "FAULT"],
  [254, false, -1, "FAULT"],
  [0, false, 0, 0],
  [0, false, 3, "FAULT"],
  [0, true, 3, 0],
  [0, true, 0, "FAULT"],
];

/** Weight, reverse, and what a check's own weight comes to: it stands in place of the configured one. */
const own: readonly (readonly [number, boolean, number, number])[] = [
  [0, false, 7, 7],
  [0, false, 0, 0],
  [-20, false, -5, -5],
  [20, true, 5, -5],
  [2, false, 300, 253],
  [2, false, -300, -253],
];

function meaning(
  weight: number,
  reverse: boolean,
  state: TrackerState,
  kind: "check" | "file" = "check",
): number | "FAULT" {
  const trackers = [tracker("t", weight, { reverse, kind })];
  const { parts, faults } = effectivePriority({ priority: 100, trackers }, { t: state });
  return faults.length > 0 ? "FAULT" : (parts[0]?.amount ?? Number.NaN);
}

describe("a tracker", () => {
  for (const [weight, reverse, expected] of rows)
    test(`weight ${weight}${reverse ? ", reversed" : ""}: up ${expected[0]}, down ${expected[1]}, unknown ${expected[2]}`, () =>
      assert.deepEqual(
        (["up", "down", "unknown"] as const).map((state) => meaning(weight, reverse, state)),
        expected,
      ));
  for (const [weight, reverse, value, expected] of numbers)
    test(`the number ${value} with weight ${weight}${reverse ? ", reversed" : ""}: ${expected}`, () =>
      assert.equal(meaning(weight, reverse, value, "file"), expected));
  for (const [weight, reverse, value, expected] of own)
    test(`a check that weighs ${value} with weight ${weight}${reverse ? ", reversed" : ""}: ${expected}`, () =>
      assert.equal(meaning(weight, reverse, value), expected));
});

describe("the effective priority", () => {
  const judged = (priority: number, amounts: readonly number[]) => {
    const trackers = amounts.map((_, index) => tracker(`t${index}`, 1, { kind: "file" }));
    const states = Object.fromEntries(amounts.map((amount, index) => [`t${index}`, amount]));
    return effectivePriority({ priority, trackers }, states);
  };
  const sums: readonly (readonly [number, readonly number[], number])[] = [
    [100, [], 100],
    [100, [20, -5, 7], 122],
    [100, [-90, -90, 100], 20],
    [100, [253, -253], 100],
    [100, [154], 254],
    [100, [155], 254],
    [1, [253, 253, -252], 254],
    [100, [-99], 1],
    [100, [-100], 1],
    [254, [-253, -253, 255], 1],
    [255, [-253, -253], 255],
    [255, [100], 255],
    [254, [1], 254],
  ];
  for (const [priority, amounts, expected] of sums)
    test(`of ${[priority, ...amounts].join(" + ")} is ${expected}`, () => {
      const { effective, base, parts } = judged(priority, amounts);
      assert.deepEqual([effective, base], [expected, priority]);
      assert.deepEqual(
        parts.map(({ tracker, state }) => [tracker, state]),
        amounts.map((amount, index) => [`t${index}`, amount]),
      );
    });
  test("comes with every fault, in the order of the trackers, which add nothing", () => {
    const trackers = [
      tracker("a", 0),
      tracker("b", 50),
      tracker("c", 1, { kind: "file" }),
      tracker("d", 0),
    ];
    const result = effectivePriority({ priority: 100, trackers }, { b: "up", c: -300, d: "down" });
    assert.equal(result.effective, 150);
    assert.deepEqual(result.faults, [
      { type: "tracker-unknown", tracker: "a" },
      { type: "tracker-down", tracker: "c" },
      { type: "tracker-down", tracker: "d" },
    ]);
    assert.deepEqual(
      result.parts.map(({ amount }) => amount),
      [0, 50, 0, 0],
    );
  });
  test("of an owner is untouched, but a tracker of weight 0 is a fault for it too", () => {
    const trackers = [tracker("t", 0)];
    const result = effectivePriority({ priority: 255, trackers }, { t: "down" });
    assert.equal(result.effective, 255);
    assert.deepEqual(result.faults, [{ type: "tracker-down", tracker: "t" }]);
  });
  test("does not take what every object has for a tracker's state", () => {
    const trackers = [tracker("constructor", 0)];
    const { parts, faults } = effectivePriority({ priority: 100, trackers }, {});
    assert.equal(parts[0]?.state, "unknown");
    assert.deepEqual(faults, [{ type: "tracker-unknown", tracker: "constructor" }]);
  });
});

test("the effective priority is the sum of its parts within 1..254, and 255 stays", () => {
  const state = fc.oneof(
    fc.constantFrom<TrackerState>("up", "down", "unknown"),
    fc.integer({ min: -300, max: 300 }),
  );
  const entry = fc.record({
    weight: fc.integer({ min: -253, max: 253 }),
    reverse: fc.boolean(),
    state,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 255 }),
      fc.array(entry, { maxLength: 6 }),
      (base, entries) => {
        const trackers = entries.map(({ weight, reverse }, index) =>
          tracker(`t${index}`, weight, { reverse }),
        );
        const states = Object.fromEntries(entries.map((each, index) => [`t${index}`, each.state]));
        const { effective, parts } = effectivePriority({ priority: base, trackers }, states);
        const sum = parts.reduce((total, { amount }) => total + amount, base);
        assert.equal(effective, base === 255 ? 255 : Math.min(254, Math.max(1, sum)));
        assert.ok(parts.every(({ amount }) => Math.abs(amount) <= 253));
      },
    ),
  );
});
