import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn } from "./fill-in.ts";

const event = {
  sequence: 7,
  subject: { type: "virtual-router", name: "VI_{state}" },
  event: "priority",
  state: "master",
  priority: 120,
  at: "2026-01-31T12:00:00.000Z",
  routerName: "lb1",
} as const;

test("every part of an event can be named", () =>
  assert.equal(
    fillIn("{sequence} {type} {name} {event} {state} {priority} {at} {router}", event),
    "7 virtual-router VI_{state} priority master 120 2026-01-31T12:00:00.000Z lb1",
  ));

test("what is no part of it stays", () =>
  assert.equal(fillIn("{constructor} {} {State} {", event), "{constructor} {} {State} {"));
