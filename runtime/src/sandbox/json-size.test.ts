import assert from "node:assert/strict";
import { test } from "node:test";
import { hasTooManyValues } from "./json-size.ts";

test("long texts are few values, lists of lists are many", () => {
  assert.ok(!hasTooManyValues(JSON.stringify([{ octets: "[{,".repeat(1e6) }])));
  assert.ok(!hasTooManyValues(JSON.stringify({ text: '\\"[,'.repeat(1e6) })));
  assert.ok(!hasTooManyValues(JSON.stringify(Array.from({ length: 50_000 }, () => ({})))));
  assert.ok(hasTooManyValues("[".repeat(200_000)));
  assert.ok(hasTooManyValues(JSON.stringify(Array.from({ length: 200_000 }, () => 1))));
  assert.ok(hasTooManyValues(`{"a":${'{"a":'.repeat(200_000)}`));
});
