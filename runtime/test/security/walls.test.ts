/** Behind a sandbox host's walls: a probe with a host's command line, but for its main file, tries what an escaped plugin would. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { HOST_MAIN, sandboxHostArgv } from "../../dist/sandbox/spawn.js";
import type { TestHost } from "../sandbox/host.ts";
import { startHost } from "../sandbox/host.ts";

const PROBE = fileURLToPath(new URL("./probe.ts", import.meta.url));
const root = process.getuid?.() === 0;
const needsRoot = root
  ? false
  : "needs root: only root has a user to change and privileges to lose";
/** By Node's permission model, and by the kernel. */
const REFUSED = "ERR_ACCESS_DENIED";
const [DENIED, NOT_PERMITTED] = ["EACCES", "EPERM"];

type Outcomes = Readonly<Record<string, string>>;

let folder = "";
let host: TestHost;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "karuntime-walls-"));
  // Nothing but the walls keeps the probe from what is in it.
  chmodSync(folder, 0o777);
  for (const [name, mode] of [
    ["open", 0o666],
    ["private", 0o600],
  ] as const) {
    writeFileSync(join(folder, name), name);
    chmodSync(join(folder, name), mode);
  }
  host = await startHost();
});
after(() => {
  host.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the probe as a host whose plugins may have these paths read. */
async function probe(readable: readonly string[]): Promise<Outcomes> {
  const [command, ...words] = sandboxHostArgv({
    user: root ? { uid: 65_534, gid: 65_534 } : undefined,
    memoryBytes: 128 * 1024 * 1024,
    readable: [PROBE, ...readable],
  });
  const argv = words.map((word) => (word === HOST_MAIN ? PROBE : word));
  assert.notDeepEqual(argv, words);
  const child = spawn(command, [...argv, String(host.pid), String(process.pid), folder], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {},
    cwd: "/",
    detached: true,
  });
  const [said, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.notEqual(said, "", complaint);
  return JSON.parse(said) as Outcomes;
}

function pick(outcomes: Outcomes, names: readonly string[]): Outcomes {
  return Object.fromEntries(names.map((name) => [name, outcomes[name] ?? "was not tried"]));
}

function all(names: readonly string[], outcome: string): Outcomes {
  return Object.fromEntries(names.map((name) => [name, outcome]));
}

const READS = [
  "read /etc/shadow",
  "read /etc/passwd",
  "read a file of anybody",
  "read a private file",
  "read through /proc/self/root",
  "read through /proc/self/cwd",
  "list a folder",
];
const WRITES = [
  "write a file",
  "append to a file",
  "open a file to write",
  "make a folder",
  "make a symbolic link",
  "make a link",
  "rename a file",
  "remove a file",
  "change a mode",
];
const STARTS = [
  "start a process",
  "start a shell",
  "start a worker",
  "open the inspector",
  "inspect itself",
  "run WASI",
  "use what Node is made of",
  "load a module from elsewhere",
];
const RISES = [
  "become root",
  "become root for effect",
  "become root's group",
  "join root's group",
  "signal the daemon",
  "signal process 1",
];
const OTHERS = [
  "read another host's environment",
  "read another host's memory map",
  "open another host's memory",
  "see another host's descriptors",
  "read the daemon's environment",
  "read the daemon's memory map",
];

describe("a host without any grant", () => {
  let outcomes: Outcomes;
  before(async () => (outcomes = await probe([])));

  test("knows its own memory", () => assert.equal(outcomes["know its own memory"], "done"));
  test("reads no file", () => assert.deepEqual(pick(outcomes, READS), all(READS, REFUSED)));
  test("writes nothing", () => assert.deepEqual(pick(outcomes, WRITES), all(WRITES, REFUSED)));
  test("starts no process, worker, inspector or WASI, and loads no module", () =>
    assert.deepEqual(pick(outcomes, STARTS), all(STARTS, REFUSED)));
  test("cannot become root again, nor signal the daemon", { skip: needsRoot }, () =>
    assert.deepEqual(pick(outcomes, RISES), all(RISES, NOT_PERMITTED)),
  );
  test("does not look into another host or the daemon", () =>
    assert.deepEqual(pick(outcomes, OTHERS), all(OTHERS, REFUSED)));
});

describe("a host that may read everything, for system: true", () => {
  let outcomes: Outcomes;
  before(async () => (outcomes = await probe(["/"])));

  test("still writes nothing and starts nothing", () => {
    const names = [...WRITES, ...STARTS].filter((name) => name !== "load a module from elsewhere");
    assert.deepEqual(pick(outcomes, names), all(names, REFUSED));
  });
  test("reads only what its user may", { skip: needsRoot }, () => {
    assert.equal(outcomes["read a file of anybody"], "done");
    const names = ["read /etc/shadow", "read a private file"];
    assert.deepEqual(pick(outcomes, names), all(names, DENIED));
  });
  test(
    "is kept by the kernel from another host of the same user, and from the daemon",
    { skip: needsRoot },
    () => assert.deepEqual(pick(outcomes, OTHERS), all(OTHERS, DENIED)),
  );
});
