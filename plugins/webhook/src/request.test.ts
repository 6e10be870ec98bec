import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotifierEvent, VirtualRouterEvent } from "@karuntime/sdk";
import { bodyOf } from "./request.ts";

const told = { sequence: 7, at: "2026-01-31T12:00:00.000Z", routerName: "lb1" } as const;
const event: VirtualRouterEvent = {
  ...told,
  subject: { type: "virtual-router", name: "VI_1" },
  event: "master",
  state: "master",
  priority: 120,
};
const sentence = (given: NotifierEvent): unknown =>
  (JSON.parse(bodyOf(given, "slack")) as { text: string }).text;
const text = (changes: Partial<VirtualRouterEvent>): unknown => sentence({ ...event, ...changes });

test("the whole event", () => assert.deepEqual(JSON.parse(bodyOf(event, "event")), event));

test("one sentence", () => {
  const at = "(2026-01-31T12:00:00.000Z)";
  assert.equal(text({}), `virtual router VI_1 on lb1 is master ${at}`);
  assert.equal(
    sentence({
      ...told,
      subject: { type: "sync-group", name: "G" },
      event: "fault",
      state: "fault",
    }),
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

test("one sentence of a real server, and of a quorum", () => {
  const server = { address: "192.0.2.11", port: 80, virtualServer: "web" };
  const subject = { type: "real-server", name: "192.0.2.11:80", ...server } as const;
  const quorum = { weight: 1, quorum: 2, hysteresis: 0 };
  const web = { ...told, subject: { type: "virtual-server", name: "web" }, ...quorum } as const;
  const at = "(2026-01-31T12:00:00.000Z)";
  assert.equal(
    sentence({ ...told, subject, event: "down", weight: 1, reason: "it answered 503" }),
    `real server 192.0.2.11:80 of web on lb1 is down: it answered 503 ${at}`,
  );
  assert.equal(
    sentence({ ...told, subject, event: "up", weight: 1, reason: "" }),
    `real server 192.0.2.11:80 of web on lb1 is up ${at}`,
  );
  assert.equal(
    sentence({ ...web, event: "quorum-down" }),
    `virtual server web on lb1 has no quorum, 1 of 2 ${at}`,
  );
  assert.equal(
    sentence({ ...web, event: "quorum-up" }),
    `virtual server web on lb1 has its quorum, 1 of 2 ${at}`,
  );
});
