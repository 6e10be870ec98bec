import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./fuzz.ts";
import type { Target } from "./targets.ts";
import { createTargets, seeds } from "./targets.ts";

test("no bytes from the network throw, read past their end or take long; and the fuzzer gets deep", () => {
  const report = fuzz({
    targets: createTargets,
    seeds: seeds(),
    seed: 1,
    budget: { inputs: 6000 },
  });
  assert.equal(report.finding, undefined);
  for (const name of [
    "parseAdvertisement",
    "checkAh",
    "checkHmac",
    "admit",
    "notePeer",
    "parseTrailer",
    "inBackup",
    "inMaster",
  ])
    assert.ok(report.functions.has(name), name);
});

test("it finds what is planted: a throw, and a look past the end", () => {
  const planted: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
    throws(bytes) {
      if (bytes[20] === 0x31 && bytes[23] === 7) throw new Error("planted");
      return bytes.length;
    },
    looks: (bytes) => (bytes.length > 40 ? new Uint8Array(bytes.buffer)[bytes.length] : 0),
  };
  for (const [name, run] of Object.entries(planted)) {
    const targets = (): readonly Target[] => [...createTargets(), { name, run }];
    const report = fuzz({ targets, seeds: seeds(), seed: 2, budget: { inputs: 100_000 } });
    assert.equal(report.finding?.target, name);
  }
});
