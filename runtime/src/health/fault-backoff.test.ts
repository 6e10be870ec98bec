import assert from "node:assert/strict";
import { test } from "node:test";
import { putOffMs } from "./fault-backoff.ts";

test("a few faults in a row cost nothing, more make a check rarer, up to a minute", () => {
  const put = Array.from({ length: 10 }, (_, faults) => putOffMs(faults, 1000));
  assert.deepEqual(put, [0, 0, 0, 1000, 3000, 7000, 15_000, 31_000, 60_000, 60_000]);
});

test("it stays on its grid, and a check that is rare already is not put off", () => {
  assert.equal(putOffMs(50, 7000) % 7000, 0);
  assert.equal(putOffMs(50, 90_000), 0);
});
