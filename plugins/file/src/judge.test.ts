import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf, weightIn } from "./judge.ts";

const NOW_MS = 1_000_000;
const content = { text: "state: ready\nrole: primary\n", size: 27, modifiedMs: NOW_MS - 10_000 };
const fault = (expected: Partial<Parameters<typeof faultOf>[1]>) =>
  faultOf(content, { maxAgeSeconds: 0, contains: "", pattern: "", ...expected }, NOW_MS);

test("without a wish any file is good", () => assert.equal(fault({}), undefined));

test("age, text and pattern are looked at, in that order", () => {
  assert.equal(fault({ maxAgeSeconds: 10, contains: "ready", pattern: "^role: p" }), undefined);
  assert.equal(
    fault({ maxAgeSeconds: 9, contains: "gone" }),
    "it was last written 10 s ago, expected at most 9 s",
  );
  assert.equal(fault({ contains: "gone", pattern: "x" }), 'it does not contain "gone"');
  assert.equal(fault({ pattern: "^primary" }), "it does not match ^primary");
});

test("the number is multiplied, and kept within what a weight can be", () => {
  assert.equal(weightIn("5\n", 1), 5);
  assert.equal(weightIn("5\n", -2), -10);
  assert.equal(weightIn("-3", 2), -6);
  assert.equal(weightIn("\n", 2), 0);
  assert.equal(weightIn("300", 1), 253);
  assert.equal(weightIn("-253", 1), -253);
  assert.equal(weightIn("-254", 1), "fault");
  assert.equal(weightIn("254", -1), "fault");
  for (const text of ["1.5", "high", "1 2", "0x10"])
    assert.throws(() => weightIn(text, 1), /expected a whole number/);
});
