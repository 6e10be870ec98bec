import assert from "node:assert/strict";
import { test } from "node:test";
import { summarize } from "./probes.ts";

test("what is lost counts for the loss alone", () => {
  assert.deepEqual(summarize([1, 3]), { lossPercent: 0, roundTripMs: 2 });
  assert.deepEqual(summarize([4, undefined]), { lossPercent: 50, roundTripMs: 4 });
  assert.deepEqual(summarize([undefined]), { lossPercent: 100, roundTripMs: undefined });
});
