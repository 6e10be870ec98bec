/** What the process of a sandbox host has: identity, capabilities, descriptors, environment, place. */
import assert from "node:assert/strict";
import type { StdioOptions } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { check } from "../sandbox/host.ts";
import type { Project } from "../sandbox/plugins.ts";
import { configuration, startProject } from "../sandbox/plugins.ts";

const SPAWN = fileURLToPath(new URL("../../dist/sandbox/spawn.js", import.meta.url));
const root = process.getuid?.() === 0;
const needsRoot = root ? false : "needs root: another user's process is not to be looked into";
/** What Node and libuv open for their event loops and threads. */
const OF_NODE = /^(?:anon_inode:\[(?:eventfd|eventpoll|io_uring)\]|pipe:\[\d+\]|\/dev\/null)$/;
/** Of a host that counts processes; by the memory watch. */
const OF_HOST = /^\/proc\/(?:loadavg|\d+\/(?:statm|stat))$/;
/** capability.h: CAP_SETGID and CAP_SETUID. */
const BOUNDING = "00000000000000c0";
const NONE = "0000000000000000";

/** Where the daemon below finds a file open that it did not open itself. */
const INHERITED = 9;
/** Starts a host, as the daemon does, and says its id when it is ready. The host ends with it. */
const DAEMON = `import { spawnSandboxHost } from ${JSON.stringify(SPAWN)};
const user = { uid: 65534, gid: 65534 };
const { child, channel } = spawnSandboxHost({ user, memoryBytes: 1e9, readable: [] });
channel.once("data", () => console.log(child.pid));`;

let project: Project;
let pid = 0;
before(async () => {
  project = await startProject({
    "a.ts": check(
      'await processes.count("node"); await fetch("http://127.0.0.1:1/").catch(() => null);',
      '{ processes: ["node"], net: ["127.0.0.1:1"] }',
    ),
    "karuntime.config.ts": configuration('checks: { a: { plugin: "./a.ts" } },'),
  });
  await project.judged("a");
  pid = project.pid("operator") ?? 0;
});
after(() => project.stop());

/** A field of every thread's status: they must agree. */
function field(name: string): string {
  const found = new Set(
    readdirSync(`/proc/${pid}/task`).map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
      return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "missing";
    }),
  );
  assert.equal(found.size, 1, `the threads differ in ${name}: ${[...found].join(" and ")}`);
  return [...found].join();
}

function descriptors(process: number): ReadonlyMap<number, string> {
  return new Map(
    readdirSync(`/proc/${process}/fd`).map((name) => [
      Number(name),
      readlinkSync(`/proc/${process}/fd/${name}`),
    ]),
  );
}

describe("the process of a sandbox host", { skip: needsRoot }, () => {
  test("is of the sandbox's user and group, in no further group, in every thread", () => {
    const [uid = "", ...uids] = field("Uid").split(/\s+/);
    const [gid = "", ...gids] = field("Gid").split(/\s+/);
    assert.ok(Number(uid) > 0 && Number(gid) > 0);
    assert.deepEqual(uids, [uid, uid, uid]);
    assert.deepEqual(gids, [gid, gid, gid]);
    assert.equal(field("Groups"), "");
  });

  test("has no capability, and can gain none", () => {
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) assert.equal(field(set), NONE, set);
    // Those by which it changed its user: out of reach since no exec gives it any.
    assert.equal(field("CapBnd"), BOUNDING);
    assert.equal(field("NoNewPrivs"), "1");
  });

  test("has an empty environment, the root as its folder, and a session of its own", () => {
    assert.equal(readFileSync(`/proc/${pid}/environ`, "utf8"), "");
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), "/");
    assert.equal(field("NSpgid"), field("NStgid"));
    assert.equal(field("NSsid"), field("NStgid"));
  });

  test("holds its channel and what Node itself opens, and no other descriptor", () => {
    const found = descriptors(pid);
    assert.match(found.get(0) ?? "", /^\/dev\/null$/);
    assert.match(found.get(1) ?? "", /^\/dev\/null$/);
    assert.match(found.get(2) ?? "", /^socket:/);
    assert.match(found.get(3) ?? "", /^socket:/);
    const others = [...found].filter(([descriptor]) => descriptor > 3);
    assert.deepEqual(
      others.filter(([, target]) => !OF_NODE.test(target) && !OF_HOST.test(target)),
      [],
    );
  });

  test("gets none of the descriptors that the daemon was started with", async () => {
    const lock = openSync(SPAWN, "r");
    const stdio = [
      "pipe",
      "pipe",
      "inherit",
      ...Array<"ignore">(INHERITED - 3).fill("ignore"),
      lock,
    ];
    const daemon = spawn(process.execPath, ["--input-type=module", "-e", DAEMON], {
      stdio: stdio as StdioOptions,
    });
    closeSync(lock);
    try {
      const [said] = (await once(daemon.stdout as Readable, "data")) as [Buffer];
      assert.equal(descriptors(daemon.pid ?? 0).get(INHERITED), SPAWN);
      const host = descriptors(Number(String(said)));
      assert.deepEqual(
        [...host].filter(([, target]) => target === SPAWN),
        [],
      );
    } finally {
      daemon.kill("SIGKILL");
      await once(daemon, "exit");
    }
  });
});
