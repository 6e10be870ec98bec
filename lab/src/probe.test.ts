import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attempt } from "./probe.ts";
import { longestOutage } from "./probe.ts";

function answered(endedMs: number, answer: string): Attempt {
  return { startedMs: endedMs - 1, endedMs, answer, error: undefined };
}
function failed(endedMs: number, error: string): Attempt {
  return { startedMs: endedMs - 1, endedMs, answer: undefined, error };
}

test("an outage reaches from the last answer to the next one, and says whose they were", () => {
  const attempts = [
    answered(5, "a"),
    answered(10, "a"),
    failed(20, "ECONNREFUSED"),
    failed(30, "timed out"),
    answered(45, "b"),
    answered(50, "b"),
  ];
  assert.deepEqual(longestOutage(attempts, 0, 60), {
    ms: 35,
    fromMs: 10,
    untilMs: 45,
    before: "a",
    after: "b",
    failures: 2,
    errors: ["ECONNREFUSED", "timed out"],
  });
});

test("an outage that goes on reaches to the end, without anybody after it", () => {
  const outage = longestOutage([answered(5, "a"), failed(20, "timed out")], 0, 100);
  assert.deepEqual(
    [outage.ms, outage.before, outage.after, outage.failures],
    [95, "a", undefined, 1],
  );
});

test("without any answer the whole period is an outage", () => {
  const outage = longestOutage([failed(20, "timed out")], 10, 100);
  assert.deepEqual([outage.ms, outage.before, outage.after], [90, undefined, undefined]);
});

test("a gap without failed attempts tells that the client itself was held up", () => {
  const outage = longestOutage([answered(5, "a"), answered(400, "a")], 0, 401);
  assert.deepEqual([outage.ms, outage.failures], [395, 0]);
});
