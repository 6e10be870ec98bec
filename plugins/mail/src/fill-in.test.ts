import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotifierEvent } from "@karuntime/sdk";
import { fillIn } from "./fill-in.ts";

const told = { sequence: 7, at: "2026-01-31T12:00:00.000Z", routerName: "lb1" } as const;
const event: NotifierEvent = {
  ...told,
  subject: { type: "virtual-router", name: "VI_{state}" },
  event: "priority",
  state: "master",
  priority: 120,
};
const real: NotifierEvent = {
  ...told,
  subject: {
    type: "real-server",
    name: "192.0.2.11:80",
    address: "192.0.2.11",
    port: 80,
    virtualServer: "web",
  },
  event: "down",
  weight: 3,
  reason: "it said {name}",
};

test("every part of an event can be named", () =>
  assert.equal(
    fillIn("{sequence} {type} {name} {event} {state} {priority} {at} {router}{detail}", event),
    "7 virtual-router VI_{state} priority master 120 2026-01-31T12:00:00.000Z lb1, its priority 120",
  ));

test("of a real server and of a virtual server likewise", () => {
  const template =
    "{type} {name} {event} {state} [{virtualServer} {weight} {quorum} {reason}{priority}]{detail}";
  assert.equal(
    fillIn(template, real),
    "real-server 192.0.2.11:80 down down [web 3  it said {name}], its weight for web 3: it said {name}",
  );
  assert.equal(
    fillIn(template, {
      ...told,
      subject: { type: "virtual-server", name: "web" },
      event: "quorum-up",
      weight: 4,
      quorum: 2,
      hysteresis: 0,
    }),
    "virtual-server web quorum-up up [ 4 2 ], the weight that is up 4 of 2",
  );
});

test("a sync group has no priority", () =>
  assert.equal(
    fillIn("{name} {state} [{priority}]{detail}", {
      ...told,
      subject: { type: "sync-group", name: "G" },
      event: "fault",
      state: "fault",
    }),
    "G fault []",
  ));

test("what is no part of it stays", () =>
  assert.equal(fillIn("{constructor} {} {State} {", event), "{constructor} {} {State} {"));
