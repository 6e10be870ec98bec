import assert from "node:assert/strict";
import { test } from "node:test";
import { daysLeft, faultOf } from "./certificate.ts";

test("days are left, or gone", () => {
  const now = Date.UTC(2026, 0, 31);
  const left = (hours: number): number => daysLeft({ validToMs: now + hours * 3_600_000 }, now);
  assert.deepEqual([36, 24, 0, -12].map(left), [1.5, 1, 0, -0.5]);
});

test("an issuer and days are expected", () => {
  const fault = (days: number, issuer = ""): string =>
    faultOf({ issuer: "R3" }, days, { issuer, minDays: 7 });
  assert.equal(fault(7.5, "R3"), "");
  assert.equal(fault(6.9), "the certificate expires in 6 days, expected 7 or more");
  assert.equal(fault(-2.5), "the certificate expired 2 days ago");
  assert.equal(fault(90, "R4"), 'the certificate is of "R3", expected "R4"');
});
