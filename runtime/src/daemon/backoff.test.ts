import assert from "node:assert/strict";
import { test } from "node:test";
import { createBackoff } from "./backoff.ts";

test("the first restart is at once, then the wait doubles up to half a minute, and is forgotten after a quiet minute", () => {
  let now = 0;
  const backoff = createBackoff(() => now);
  const waits = Array.from({ length: 12 }, () => backoff.next());
  assert.deepEqual(
    waits,
    [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000],
  );
  now = 61_000;
  assert.equal(backoff.next(), 0);
});
