import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Permissions } from "../sandbox/protocol.ts";
import { fillIn, uncovered } from "./grant.ts";
import { NOTHING } from "./manifest.ts";

const asks = (wish: Partial<Permissions>): Permissions => ({ ...NOTHING, ...wish });

describe("permissions with options in them", () => {
  test("stand for what is configured", () => {
    const wish = asks({
      net: ["{host}:{port}", "{url}", "192.0.2.1:80"],
      files: ["{file}"],
      processes: ["{name}"],
      services: { "{name}": ["start"] },
      exec: [["/bin/check", "-p", "{port}"]],
      udp: ["{host}:{port}"],
      dns: ["{host}:53", "system"],
      ping: ["{host}"],
    });
    const filled = fillIn(wish, {
      host: "127.0.0.1",
      port: 6379,
      url: "https://api.example.com/health?a",
      file: "/run/x",
      name: "nginx",
    });
    assert.deepEqual(filled.net, ["127.0.0.1:6379", "api.example.com:443", "192.0.2.1:80"]);
    assert.deepEqual(filled.files, ["/run/x"]);
    assert.deepEqual(filled.processes, ["nginx"]);
    assert.deepEqual(filled.services, { nginx: ["start"] });
    assert.deepEqual(filled.exec, [["/bin/check", "-p", "6379"]]);
    assert.deepEqual(filled.udp, ["127.0.0.1:6379"]);
    assert.deepEqual(filled.dns, ["127.0.0.1:53", "system"]);
    assert.deepEqual(filled.ping, ["127.0.0.1"]);
  });
  test("of a list stand for each of its texts, in a command for each word", () => {
    const wish = asks({
      processes: ["{names...}"],
      services: { "{names...}": ["stop"] },
      exec: [["{command...}", "-v", "{last}"]],
      files: ["{paths...}", "{names}"],
      net: ["{urls...}"],
    });
    const filled = fillIn(wish, {
      names: ["nginx", "redis"],
      command: ["/bin/check", ""],
      last: "",
      paths: [],
      urls: ["http://a/x", "b:2"],
    });
    assert.deepEqual(filled.processes, ["nginx", "redis"]);
    assert.deepEqual(filled.services, { nginx: ["stop"], redis: ["stop"] });
    assert.deepEqual(filled.exec, [["/bin/check", "", "-v", ""]]);
    assert.deepEqual(filled.files, ["{names}"]);
    assert.deepEqual(filled.net, ["a:80", "b:2"]);
  });
  test("that are empty ask for nothing", () => {
    const filled = fillIn(asks({ secrets: ["{secret}"], net: ["{url}"], files: ["/a{secret}"] }), {
      secret: "",
      url: "",
    });
    assert.deepEqual(filled.secrets, []);
    assert.deepEqual(filled.net, []);
    assert.deepEqual(filled.files, ["/a"]);
  });
  test("what no option is named like stays", () =>
    assert.deepEqual(fillIn(asks({ files: ["/a/{constructor}"] }), {}).files, [
      "/a/{constructor}",
    ]));
});

describe("a grant", () => {
  test("covers what it lists, word for word", () => {
    const wish = asks({ net: ["a:1"], services: { nginx: ["start"] }, exec: [["/x", "y"]] });
    assert.deepEqual(uncovered(wish, wish), {});
    assert.deepEqual(uncovered(NOTHING, wish), {});
  });
  test("what it lacks is named", () => {
    const wish = asks({
      net: ["a:1", "b:2"],
      services: { nginx: ["start", "stop"], redis: ["status"] },
      exec: [["/x", "y"]],
      mail: true,
    });
    const given = asks({ net: ["a:1"], services: { nginx: ["start"] }, exec: [["/x"]] });
    assert.deepEqual(uncovered(wish, given), {
      net: ["b:2"],
      services: { nginx: ["stop"], redis: ["status"] },
      exec: [["/x", "y"]],
      mail: true,
    });
  });
});
