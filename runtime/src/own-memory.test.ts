import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { openOwnMemory } from "./own-memory.ts";

const GROWTH_BYTES = 64 * 1024 * 1024;

test("what a process takes is seen, also outside the heap", () => {
  const memory = openOwnMemory("self");
  const before = memory.bytes();
  const taken = Buffer.alloc(GROWTH_BYTES, 1);
  const after = memory.bytes();
  memory.close();
  assert.ok(before > 0);
  assert.ok(
    after - before > GROWTH_BYTES / 2,
    `${before}, then ${after} with ${taken.length} more`,
  );
});

test("of another process it is 0 once that has ended", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const memory = openOwnMemory(child.pid ?? 0);
  assert.ok(memory.bytes() > 0);
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
  assert.equal(memory.bytes(), 0);
  memory.close();
});

test("of a process that never was it is 0", () => {
  const memory = openOwnMemory(2 ** 30);
  assert.equal(memory.bytes(), 0);
  memory.close();
});
