import assert from "node:assert/strict";
import { test } from "node:test";
import { isPluginName, lookAlike, pluginName } from "./names.ts";

test("a plugin has a name of its own kind, or a scope", () => {
  for (const name of ["karuntime-plugin-redis", "@karuntime/redis", "@acme/a.b_c-d"])
    assert.ok(isPluginName(name), name);
  for (const name of [
    "redis",
    "karuntime-plugin-",
    "karuntime-plugin",
    "karuntime-plugin-A",
    "@acme",
    "@acme/",
    "@acme/../x",
    "@acme/x/y",
    "@Acme/x",
    "@acme/.x",
    "karuntime-plugin-a/b",
    "karuntime-plugin-a b",
    `karuntime-plugin-${"a".repeat(200)}`,
  ])
    assert.ok(!isPluginName(name), name);
  assert.equal(pluginName("redis"), "karuntime-plugin-redis");
  assert.equal(pluginName("karuntime-plugin-redis"), "karuntime-plugin-redis");
  assert.equal(pluginName("@acme/redis"), "@acme/redis");
});

test("a name one letter away from one of karuntime's own is told", () => {
  for (const [name, own] of [
    ["@karuntime/reds", "@karuntime/redis"],
    ["@karuntime/rediss", "@karuntime/redis"],
    ["@karuntime/rebis", "@karuntime/redis"],
    ["@karuntime/htpt", "@karuntime/http"],
    ["@karuntme/redis", "@karuntime/redis"],
    ["@krauntime/nginx", "@karuntime/nginx"],
    ["karuntime/mail", "@karuntime/mail"],
    ["@karuntimes/mail", "@karuntime/mail"],
  ])
    assert.equal(lookAlike(name ?? ""), own, name);
});

test("a name that is karuntime's own, or further away, is not", () => {
  for (const name of [
    "@karuntime/redis",
    "@karuntime/tls",
    "@acme/redis",
    "@karuntime/rd",
    "@karuntime/ipgn",
    "karuntime-plugin-redis",
  ])
    assert.equal(lookAlike(name), undefined, name);
});
