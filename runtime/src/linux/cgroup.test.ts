/** On whichever version of control groups this machine has; in which a process can be put under a limit, or not. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createMemoryGroup } from "./cgroup.ts";

const LIMIT_BYTES = 96 * 1024 * 1024;
const WAIT_MS_MAX = 10_000;
/** Memory of its own that no heap knows of, as soon as it is told to. */
const EATER = `
  process.stdin.once("data", () => {
    const all = [];
    for (let i = 0; i < 16; i++) all.push(Buffer.alloc(16 * 1024 * 1024, 1));
    process.stdout.write("ate it all");
  });
`;
const probe = createMemoryGroup("probe", LIMIT_BYTES);
probe?.remove();
const skip =
  probe === undefined && "there is no place where a control group with a limit can be made";

function eater(): ChildProcess {
  return spawn(process.execPath, ["-e", EATER], { stdio: ["pipe", "pipe", "ignore"] });
}

/** The folder of the group that the process is in. */
function folderOf(pid: number): string {
  const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const [, version1, path = ""] = /^\d+:(memory)?:(.*karuntime-\d+-.*)$/m.exec(groups) ?? [];
  assert.notEqual(path, "", groups);
  return join("/sys/fs/cgroup", version1 ?? "", path);
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function gone(folder: string, remove: () => void): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 20) {
    remove();
    if (!existsSync(folder)) return true;
    await sleep(20);
  }
  return false;
}

describe("a group with a limit", { skip }, () => {
  test("the kernel ends what takes more, and nothing else", async () => {
    const group = createMemoryGroup("eater", LIMIT_BYTES);
    const [limited, free] = [eater(), eater()];
    await Promise.all([once(limited, "spawn"), once(free, "spawn")]);
    assert.equal(group?.add(limited.pid ?? 0), true);
    const folder = folderOf(limited.pid ?? 0);
    const exit = once(limited, "exit");
    const ate = once(free.stdout ?? process.stdin, "data");
    limited.stdin?.write("eat");
    assert.deepEqual(await exit, [null, "SIGKILL"]);
    free.stdin?.write("eat");
    assert.equal(String(await ate), "ate it all");
    await kill(free);
    assert.ok(await gone(folder, () => group?.remove()), `${folder} is left over`);
  });

  test("gives no swap space in place of memory", () => {
    const group = createMemoryGroup("swap", LIMIT_BYTES);
    const child = spawn("sleep", ["60"]);
    assert.equal(group?.add(child.pid ?? 0), true);
    const folder = folderOf(child.pid ?? 0);
    const read = (file: string): string | undefined =>
      existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : undefined;
    const both = read("memory.memsw.limit_in_bytes");
    const swap = read("memory.swap.max");
    return kill(child).then(async () => {
      assert.ok(await gone(folder, () => group?.remove()));
      assert.ok([undefined, String(LIMIT_BYTES)].includes(both), both);
      assert.ok([undefined, "0"].includes(swap), swap);
    });
  });

  test("that somebody removed while it was empty is there again with its limit", async () => {
    const group = createMemoryGroup("again", LIMIT_BYTES);
    const first = spawn("sleep", ["60"]);
    assert.equal(group?.add(first.pid ?? 0), true);
    const folder = folderOf(first.pid ?? 0);
    await kill(first);
    assert.ok(await gone(folder, () => rmdirQuietly(folder)));
    const second = spawn("sleep", ["60"]);
    assert.equal(group?.add(second.pid ?? 0), true);
    assert.equal(folderOf(second.pid ?? 0), folder);
    const limit = ["memory.max", "memory.limit_in_bytes"]
      .map((file) => join(folder, file))
      .find((file) => existsSync(file));
    assert.equal(Number(readFileSync(limit ?? "", "utf8")), LIMIT_BYTES);
    await kill(second);
    assert.ok(await gone(folder, () => group?.remove()));
  });
});

describe("what a killed process left", { skip }, () => {
  const made: string[] = [];
  after(() => {
    for (const folder of made) rmdirQuietly(folder);
  });

  /** A folder of the name, beside those of this process. */
  function makeBeside(folder: string, name: string): string {
    const path = join(dirname(folder), name);
    mkdirSync(path);
    made.push(path);
    return path;
  }

  test("goes when the next one makes a group; what lives, is in use, or is called otherwise stays", async () => {
    const group = createMemoryGroup("present", LIMIT_BYTES);
    const member = spawn("sleep", ["60"]);
    assert.equal(group?.add(member.pid ?? 0), true);
    const present = folderOf(member.pid ?? 0);
    const [, own = ""] = /\/karuntime-\d+-(\d+)-present$/.exec(present) ?? [];
    assert.notEqual(own, "");
    const dead = spawnSync("true").pid;
    const used = makeBeside(present, `karuntime-${dead}-${own}-used`);
    const user = spawn("sh", ["-c", `echo $$ > ${used}/cgroup.procs && echo in && exec sleep 60`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(user.stdout, "data");
    const gone = [
      makeBeside(present, `karuntime-${dead}-${own}-operator`),
      // Its number is another's now.
      makeBeside(present, `karuntime-${process.pid}-${Number(own) - 1}-operator`),
    ];
    const kept = [
      makeBeside(present, `karuntime-${process.pid}-${own}-restarting`),
      makeBeside(present, `karuntime-bench-${dead}`),
      used,
      present,
    ];
    createMemoryGroup("next", LIMIT_BYTES)?.remove();
    assert.deepEqual(gone.filter(existsSync), []);
    assert.deepEqual(
      kept.filter((path) => !existsSync(path)),
      [],
    );
    await Promise.all([kill(member), kill(user)]);
    group?.remove();
    assert.ok(!readdirSync(dirname(present)).includes("next"));
  });
});

function rmdirQuietly(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Gone already, or a process is on its way out.
  }
}
