import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nextDue, phaseMs } from "./schedule.ts";
import { createTracker, record } from "./tracker.ts";

/** The state after each result: "+" a success, "-" a failure; U, D and ? are the states. */
function states(
  results: string,
  rise: number,
  fall: number,
  initial: "unknown" | "up" | "down" = "unknown",
): string {
  let tracker = createTracker(initial);
  return [...results]
    .map((result) => {
      tracker = record(tracker, result === "+", { rise, fall });
      return { up: "U", down: "D", unknown: "?" }[tracker.state];
    })
    .join("");
}

describe("rise and fall", () => {
  test("the first result decides alone", () => {
    assert.equal(states("+", 5, 5), "U");
    assert.equal(states("-", 5, 5), "D");
  });
  test("with 1 and 1 each result is the state", () =>
    assert.equal(states("+-+--+", 1, 1), "UDUDDU"));
  test("a state holds until enough results in a row speak against it", () => {
    assert.equal(states("+--+---", 2, 3), "UUUUUUD");
    assert.equal(states("-+-+++", 3, 2), "DDDDDU");
  });
  test("a state from before a restart is not lost by one failure", () => {
    assert.equal(states("--", 1, 2, "up"), "UD");
    assert.equal(states("+", 2, 1, "down"), "D");
  });
});

describe("the schedule", () => {
  test("runs follow a grid, whatever a run takes below the interval", () => {
    assert.deepEqual(nextDue(1000, 500, 1001), { atMs: 1500, skipped: 0 });
    assert.deepEqual(nextDue(1000, 500, 1500), { atMs: 1500, skipped: 0 });
  });
  test("intervals that a run outlasts are skipped and counted", () => {
    assert.deepEqual(nextDue(1000, 500, 1501), { atMs: 2000, skipped: 1 });
    assert.deepEqual(nextDue(1000, 500, 3100), { atMs: 3500, skipped: 4 });
  });
  test("checks of different names come due at different times, the same one always at the same", () => {
    const phases = Array.from({ length: 100 }, (_, index) => phaseMs(`check${index}`, 1000));
    assert.ok(phases.every((phase) => phase >= 0 && phase < 1000));
    assert.ok(
      new Set(phases.map((phase) => Math.floor(phase / 100))).size === 10,
      "no tenth of the interval stays empty",
    );
    assert.equal(phaseMs("nginx", 1000), phaseMs("nginx", 1000));
  });
});
