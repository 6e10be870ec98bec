import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "./metrics.ts";

test("a gauge is what it was set to last, a counter the sum, each for its labels", () => {
  const metrics = createMetrics();
  metrics.record({ type: "gauge", name: "depth", value: 3, labels: { queue: "a" } });
  metrics.record({ type: "gauge", name: "depth", value: -1.5, labels: { queue: "a" } });
  metrics.record({ type: "gauge", name: "depth", value: 9, labels: { queue: "b\n" } });
  metrics.record({ type: "counter", name: "seen", value: 2 });
  metrics.record({ type: "counter", name: "seen", value: 3, labels: {} });
  assert.deepEqual(metrics.list(), [
    { name: "depth", type: "gauge", labels: { queue: "a" }, value: -1.5 },
    { name: "depth", type: "gauge", labels: { queue: "b " }, value: 9 },
    { name: "seen", type: "counter", labels: {}, value: 5 },
  ]);
});

test("what is none is refused, and there is an end to them", () => {
  const metrics = createMetrics();
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ type: "gauge", name: "Depth", value: 1 }, /found the name "Depth"/],
    [{ type: "gauge", name: 'a"} 1\nb', value: 1 }, /found the name/],
    [{ type: "gauge", name: "a", value: null }, /found null for a/],
    [{ type: "gauge", name: "a", value: Number.NaN }, /expected a number/],
    [{ type: "counter", name: "a", value: -1 }, /0 or more/],
    [{ type: "gauge", name: "a", value: 1, labels: { "x y": "z" } }, /found the label "x y"/],
    [{ type: "gauge", name: "a", value: 1, labels: { x: 7 } }, /found the label "x": 7/],
    [
      { type: "gauge", name: "a", value: 1, labels: { x: "y".repeat(65) } },
      /at most 64 characters/,
    ],
    [
      {
        type: "gauge",
        name: "a",
        value: 1,
        labels: Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((l) => [l, ""])),
      },
      /at most 5 labels/,
    ],
  ];
  for (const [argument, reason] of refused) assert.throws(() => metrics.record(argument), reason);
  for (let index = 0; index < 50; index++)
    metrics.record({ type: "counter", name: "a", value: 1, labels: { of: String(index) } });
  assert.throws(() => metrics.record({ type: "counter", name: "b", value: 1 }), /at most 50/);
  metrics.record({ type: "counter", name: "a", value: 1, labels: { of: "0" } });
});
