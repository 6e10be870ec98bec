import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { debounce } from "./debounce.ts";

test("the first value counts at once, every other when it has stayed; one that goes away again never does", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const seen: string[] = [];
    const gate = debounce<string>(
      (value) => (value === "up" ? 100 : 20),
      (value) => seen.push(value),
    );
    gate.set("up");
    assert.deepEqual(seen, ["up"]);
    gate.set("down");
    mock.timers.tick(19);
    gate.set("down");
    assert.deepEqual(seen, ["up"], "saying it again does not put it off, nor bring it forward");
    mock.timers.tick(1);
    assert.deepEqual(seen, ["up", "down"]);
    gate.set("up");
    mock.timers.tick(99);
    gate.set("down");
    mock.timers.tick(500);
    assert.deepEqual(seen, ["up", "down"]);
    gate.set("up");
    gate.close();
    mock.timers.tick(500);
    assert.deepEqual(seen, ["up", "down"]);
  } finally {
    mock.timers.reset();
  }
});

test("without a delay every change counts at once, and the same value only once", () => {
  const seen: number[] = [];
  const gate = debounce<number>(
    () => 0,
    (value) => seen.push(value),
  );
  for (const value of [1, 1, 2, 2, 1]) gate.set(value);
  assert.deepEqual(seen, [1, 2, 1]);
});
