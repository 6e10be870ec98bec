import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measure } from "./limits.ts";
import { beyond } from "./limits.ts";

const load: Measure = {
  name: "load_per_cpu",
  labels: {},
  value: 1.256,
  limit: 2,
  bound: "at most",
  what: "the load per processor",
  unit: "",
};
const disk: Measure = {
  ...load,
  value: 5,
  limit: 5,
  bound: "at least",
  what: "what is free at /var",
  unit: " %",
};

test("nothing is said while all is within its limit, or has none", () => {
  assert.equal(beyond([load, disk]), "");
  assert.equal(
    beyond([
      { ...load, limit: 0 },
      { ...disk, value: 0, limit: 0 },
    ]),
    "",
  );
});

test("all that is beyond its limit is said", () =>
  assert.equal(
    beyond([
      { ...load, limit: 1 },
      { ...disk, value: 4.999 },
      { ...disk, value: 4 },
    ]),
    "the load per processor is 1.26, expected at most 1; what is free at /var is 5 %, expected at least 5 %; what is free at /var is 4 %, expected at least 5 %",
  ));
