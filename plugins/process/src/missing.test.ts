import assert from "node:assert/strict";
import { test } from "node:test";
import { faults, missing } from "./missing.ts";

const counts = [
  { name: "nginx", running: 3 },
  { name: "redis-server", running: 0 },
  { name: "haproxy", running: 1 },
];

test("missing are those below the minimum, of all names", () => {
  assert.equal(missing(counts, 0), 0);
  assert.equal(missing(counts, 1), 1);
  assert.equal(missing(counts, 2), 3);
});

test("each name that has too few or too many is named", () => {
  assert.equal(faults(counts, 0, 0), "");
  assert.equal(faults(counts, 0, 3), "");
  assert.equal(
    faults(counts, 1, 2),
    "3 of nginx run, expected at most 2; 0 of redis-server run, expected at least 1",
  );
});
