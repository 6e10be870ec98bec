import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSandboxMessage } from "./sandbox-messages.ts";

test("messages of the protocol pass", () => {
  const state = { type: "state", check: "nginx", state: "down", reason: "no process" };
  assert.deepEqual(parseSandboxMessage(state), state);
  const service = { type: "service", id: 1, check: "nginx", service: "nginx", action: "start" };
  assert.deepEqual(parseSandboxMessage(service), service);
});

test("anything else does not", () => {
  for (const message of [
    null,
    "ready",
    {},
    { type: "configure", virtualRouters: [] },
    { type: "state", check: "nginx", state: "sideways", reason: "" },
    { type: "state", check: "nginx", state: "down", reason: "x".repeat(3000) },
    { type: "service", id: 1, check: "nginx", service: "nginx", action: "format" },
    { type: "service", id: -1, check: "nginx", service: "nginx", action: "start" },
    {
      type: "service",
      id: 1,
      check: "nginx",
      service: "nginx",
      action: "start",
      command: "/bin/sh",
    },
    { type: "log", check: "nginx", level: "fatal", message: "" },
    { type: "report", id: 1, checks: [{}] },
  ]) {
    assert.equal(parseSandboxMessage(message), undefined, JSON.stringify(message));
  }
});
