import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSandboxMessage } from "./sandbox-messages.ts";

test("messages of the protocol pass", () => {
  for (const weight of [null, 0, -253, 253]) {
    const state = { type: "state", check: "nginx", state: "up", weight, reason: "" };
    assert.deepEqual(parseSandboxMessage(state), state);
  }
  for (const request of [
    { type: "service", service: "nginx", action: "start" },
    { type: "exec", argv: ["/bin/true"], timeoutMs: 5 },
    { type: "mail", subject: "a", text: "b" },
    { type: "ping", host: "gateway.example.com", timeoutMs: 5, size: 56 },
  ]) {
    const message = { type: "request", id: 1, plugin: "nginx", request };
    assert.deepEqual(parseSandboxMessage(message), message);
  }
  for (const result of [{ ok: true }, { ok: false, error: "no" }]) {
    const message = { type: "notified", id: 1, result };
    assert.deepEqual(parseSandboxMessage(message), message);
  }
});

test("anything else does not", () => {
  for (const message of [
    null,
    "ready",
    {},
    { type: "configure", virtualRouters: [] },
    { type: "state", check: "nginx", state: "sideways", weight: null, reason: "" },
    { type: "state", check: "nginx", state: "down", weight: null, reason: "x".repeat(3000) },
    { type: "state", check: "nginx", state: "up", reason: "" },
    { type: "state", check: "nginx", state: "up", weight: 254, reason: "" },
    { type: "state", check: "nginx", state: "up", weight: 0.5, reason: "" },
    ...[
      { type: "service", service: "nginx", action: "format" },
      { type: "service", service: "nginx", action: "start", command: "/bin/sh" },
      { type: "exec", argv: "/bin/sh", timeoutMs: 5 },
      { type: "exec", argv: ["/bin/sh", 5], timeoutMs: 5 },
      { type: "exec", argv: ["/bin/sh"], timeoutMs: -1 },
      { type: "mail", subject: "a", text: "b".repeat(30_000) },
      { type: "ping", host: "192.0.2.1", timeoutMs: 5, size: 100_000 },
      { type: "ping", host: "192.0.2.1", timeoutMs: -1, size: 56 },
      { type: "ping", host: "x".repeat(300), timeoutMs: 5, size: 56 },
      { type: "toString" },
      null,
    ].map((request) => ({ type: "request", id: 1, plugin: "nginx", request })),
    { type: "request", id: -1, plugin: "a", request: { type: "mail", subject: "", text: "" } },
    { type: "notified", id: 1, result: { ok: false } },
    { type: "notified", id: 1, result: { ok: true, error: "x" } },
    { type: "log", plugin: "nginx", level: "fatal", message: "" },
    { type: "log", plugin: "nginx", level: "info", message: "\u001b[2J" },
    { type: "log", plugin: "nginx", level: "info", message: "two\nlines" },
    { type: "report", id: 1, checks: [{}] },
    // For the author of a plugin, who may debug it.
    { type: "inspected", message: "{}" },
  ]) {
    assert.equal(parseSandboxMessage(message), undefined, JSON.stringify(message));
  }
});
