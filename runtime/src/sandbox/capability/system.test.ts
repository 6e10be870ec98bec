import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMemory, parsePressure } from "./system.ts";

test("memory", () =>
  assert.deepEqual(
    parseMemory("MemTotal:       2048 kB\nMemFree:  10 kB\nMemAvailable:   1024 kB\n"),
    {
      totalBytes: 2_097_152,
      availableBytes: 1_048_576,
    },
  ));

test("pressure, with full and without", () => {
  const some = "some avg10=1.25 avg60=0.50 avg300=0.00 total=99\n";
  assert.deepEqual(parsePressure(some), {
    some: { avg10: 1.25, avg60: 0.5, avg300: 0 },
    full: null,
  });
  assert.deepEqual(parsePressure(`${some}full avg10=2.00 avg60=1.00 avg300=0.10 total=1\n`).full, {
    avg10: 2,
    avg60: 1,
    avg300: 0.1,
  });
  assert.throws(() => parsePressure("nothing"), /cannot be read/);
});
