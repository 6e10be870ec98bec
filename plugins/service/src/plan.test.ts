import assert from "node:assert/strict";
import { test } from "node:test";
import { plan } from "./plan.ts";

const services = ["redis", "nginx"];

test("services start in their order and stop in the opposite one", () => {
  const order = (action: "start" | "stop" | "restart"): readonly string[] =>
    plan(services, action).map((step) => `${step.action} ${step.service}`);
  assert.deepEqual(order("start"), ["start redis", "start nginx"]);
  assert.deepEqual(order("restart"), ["restart redis", "restart nginx"]);
  assert.deepEqual(order("stop"), ["stop nginx", "stop redis"]);
  assert.deepEqual(plan(services, "none"), []);
});
