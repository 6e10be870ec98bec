import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotifierEvent } from "@karuntime/sdk";
import { bodyOf } from "./request.ts";

const event: NotifierEvent = {
  sequence: 7,
  subject: { type: "virtual-router", name: "VI_1" },
  event: "master",
  state: "master",
  priority: 120,
  at: "2026-01-31T12:00:00.000Z",
  routerName: "lb1",
};
const text = (changes: Partial<NotifierEvent>): unknown =>
  (JSON.parse(bodyOf({ ...event, ...changes }, "slack")) as { text: string }).text;

test("the whole event", () => assert.deepEqual(JSON.parse(bodyOf(event, "event")), event));

test("one sentence", () => {
  const at = "(2026-01-31T12:00:00.000Z)";
  assert.equal(text({}), `virtual router VI_1 on lb1 is master ${at}`);
  assert.equal(
    text({ subject: { type: "sync-group", name: "G" }, event: "fault", state: "fault" }),
    `sync group G on lb1 is fault ${at}`,
  );
  assert.equal(
    text({ event: "stop", state: "stop" }),
    `virtual router VI_1 on lb1 is stopped ${at}`,
  );
  assert.equal(
    text({ event: "priority" }),
    `virtual router VI_1 on lb1 has the priority 120 now ${at}`,
  );
  assert.equal(
    text({ event: "contended" }),
    `virtual router VI_1 on lb1 hears another master of lower priority ${at}`,
  );
});
