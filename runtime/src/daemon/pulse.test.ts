import assert from "node:assert/strict";
import { test } from "node:test";
import { PULSE_MS, onPulse } from "./pulse.ts";

test("all who listen are called together, once a pulse, until they end it", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const heard: string[] = [];
  const endFirst = onPulse(() => heard.push("first"));
  context.mock.timers.tick(PULSE_MS / 2);
  // It does not have its own second, but takes part in what there is.
  const endSecond = onPulse(() => heard.push("second"));
  context.mock.timers.tick(PULSE_MS / 2);
  assert.deepEqual(heard, ["first", "second"]);
  endFirst();
  context.mock.timers.tick(PULSE_MS);
  assert.deepEqual(heard, ["first", "second", "second"]);
  endSecond();
  context.mock.timers.tick(10 * PULSE_MS);
  assert.equal(heard.length, 3);
});
