import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gridBefore, nextDue, phaseMs } from "./schedule.ts";
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
  test("a batch of checks comes due together, batches are spread over the interval", () => {
    const phases = Array.from({ length: 3200 }, (_, index) => phaseMs(index, 1000));
    assert.equal(new Set(phases.slice(0, 32)).size, 1);
    const batches = [...new Set(phases)].toSorted((a, b) => a - b);
    assert.equal(batches.length, 100);
    assert.ok(batches.every((phase) => phase >= 0 && phase < 1000));
    const gaps = batches.slice(1).map((phase, index) => phase - (batches[index] ?? 0));
    assert.ok(Math.max(...gaps) < 20, `two batches lie ${Math.max(...gaps)} ms apart`);
  });
  test("the grid is the same for checks that are loaded at different times", () => {
    assert.equal(gridBefore(12_345, 0, 1000), 12_000);
    assert.equal(gridBefore(12_000, 31, 1000), 12_000);
    const later = gridBefore(12_345, 32, 1000);
    assert.ok(later <= 12_345 && later > 11_345);
    assert.equal((later - phaseMs(32, 1000)) % 1000, 0);
  });
});
