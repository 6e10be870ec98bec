/** Real processes, counted by name and arguments: births, deaths, and what only looks like the one that is meant. */
import assert from "node:assert/strict";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import { watchDeaths } from "../../src/linux/pidfd.ts";
import type { ProcessPattern } from "../../src/linux/process-watch.ts";
import { watchProcesses } from "../../src/linux/process-watch.ts";

/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
/** Births are looked for every 250 ms; deaths are told, so they come far sooner. */
const DEATH_MS_MAX = 200;
const DEATH_MS_MEDIAN = 50;
const KILLS = 5;
const FOREVER = "1000";
/** No other process of the machine has a name that begins with it. */
const PREFIX = `k${process.pid.toString(36)}`;

let folder: string;
const children = new Set<ChildProcess>();
const watches = new Set<{ close(): void }>();

/** Before any watch. */
let descriptorsAtFirst: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "karuntime-process-watch-"));
  descriptorsAtFirst = descriptors();
});
after(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const watch of watches) watch.close();
  watches.clear();
  await Promise.all([...children].map(kill));
  await waitFor("no descriptor left", () => descriptors() === descriptorsAtFirst, DEADLINE_MS);
});

/** The path of a program of that name, which sleeps for as many seconds as its first argument says. */
function program(name: string): string {
  const path = join(folder, name);
  // One that runs cannot be written over.
  if (!existsSync(path)) copyFileSync("/bin/sleep", path);
  return path;
}

async function run(
  path: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<ChildProcess> {
  const child = spawn(path, args, { stdio: "ignore", ...options });
  children.add(child);
  child.once("exit", () => children.delete(child));
  await once(child, "spawn");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (ended || !child.kill("SIGKILL")) return;
  await once(child, "exit");
}

interface Counter {
  /** The newest count of each pattern. */
  readonly counts: (number | undefined)[];
  /** Every report, as [index, count]. */
  readonly reports: [number, number][];
  /** Resolves when these are the counts. */
  becomes(...counts: number[]): Promise<void>;
}

function count(...patterns: ProcessPattern[]): Counter {
  const counts: (number | undefined)[] = patterns.map(() => undefined);
  const reports: [number, number][] = [];
  const watch = watchProcesses(patterns, (index, number) => {
    counts[index] = number;
    reports.push([index, number]);
  });
  watches.add(watch);
  return {
    counts,
    reports,
    becomes: async (...expected) => {
      const reached = (): boolean => expected.every((number, index) => counts[index] === number);
      await waitFor(`counts ${expected}`, reached, DEADLINE_MS).catch((error: unknown) => {
        throw new Error(`the counts are ${counts}`, { cause: error });
      });
    },
  };
}

/** How many of each kind that a watch opens this process has. */
function descriptors(): string {
  const targets = readdirSync("/proc/self/fd").flatMap((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return [];
    }
  });
  return ["pidfd", "eventpoll", "eventfd"]
    .map(
      (kind) => `${targets.filter((target) => target === `anon_inode:[${kind}]`).length} ${kind}`,
    )
    .join(", ");
}

function stateOf(pid: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text[text.lastIndexOf(")") + 2];
}

function pidOf(child: ChildProcess): number {
  assert.ok(child.pid !== undefined);
  return child.pid;
}

describe("a watch for deaths", () => {
  test("tells of each that was added and not removed, once", async () => {
    const path = program(`${PREFIX}-deaths`);
    const [a, b, c] = [
      await run(path, [FOREVER]),
      await run(path, [FOREVER]),
      await run(path, [FOREVER]),
    ];
    const dead: number[] = [];
    const watch = watchDeaths((pid) => dead.push(pid));
    watches.add(watch);
    for (const child of [a, b, c]) assert.equal(watch.add(pidOf(child)), true);
    watch.remove(pidOf(b));
    await kill(b);
    await kill(a);
    await waitFor("the first death", () => dead.length > 0, DEADLINE_MS);
    await kill(c);
    await waitFor("the second death", () => dead.length > 1, DEADLINE_MS);
    assert.deepEqual(dead, [pidOf(a), pidOf(c)]);
  });

  test("tells of more deaths than one wait can carry", async () => {
    const path = program(`${PREFIX}-many`);
    const many = await Promise.all(Array.from({ length: 100 }, () => run(path, [FOREVER])));
    const dead = new Set<number>();
    const watch = watchDeaths((pid) => dead.add(pid));
    watches.add(watch);
    for (const child of many) assert.equal(watch.add(pidOf(child)), true);
    await Promise.all(many.map(kill));
    await waitFor("all deaths", () => dead.size === many.length, DEADLINE_MS);
  });

  test("has no process to watch that is gone", async () => {
    const child = await run(program(`${PREFIX}-gone`), [FOREVER]);
    await kill(child);
    const watch = watchDeaths(() => assert.fail("nothing was added"));
    watches.add(watch);
    assert.equal(watch.add(pidOf(child)), false);
  });

  test("leaves no descriptor", async () => {
    const child = await run(program(`${PREFIX}-fds`), [FOREVER]);
    const watch = watchDeaths(() => assert.fail("nothing died"));
    watch.add(pidOf(child));
    assert.notEqual(descriptors(), descriptorsAtFirst);
    watch.close();
    assert.equal(watch.add(pidOf(child)), false);
    await waitFor("no descriptor left", () => descriptors() === descriptorsAtFirst, DEADLINE_MS);
  });

  for (const [what, end, expected] of [
    ["is closed", "watch.close()", 0],
    ["is not closed, but the process exits", "process.exit(4)", 4],
    ["is not closed, but the process fails", 'throw new Error("as expected")', 1],
  ] as const) {
    test(`does not keep the process alive when it ${what}`, async () => {
      const module = new URL("../../src/linux/pidfd.ts", import.meta.url).href;
      const child = await run(process.execPath, [
        "--input-type=module",
        "--eval",
        `import { watchDeaths } from ${JSON.stringify(module)};
const watch = watchDeaths(() => {});
if (!watch.add(process.ppid)) process.exit(3);
setTimeout(() => { ${end}; }, 50);`,
      ]);
      const [code]: unknown[] = await once(child, "exit", {
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      assert.equal(code, expected);
    });
  }
});

describe("a count of processes", () => {
  test("begins with what is there, and follows births and deaths", async () => {
    const name = `${PREFIX}-basic`;
    const path = program(name);
    const first = await run(path, [FOREVER]);
    const counter = count({ name }, { name: `${PREFIX}-none` });
    assert.equal(counter.reports.length, 0, "asynchronously");
    await counter.becomes(1, 0);
    const second = await run(path, [FOREVER]);
    await counter.becomes(2, 0);
    await kill(first);
    await counter.becomes(1, 0);
    await kill(second);
    await counter.becomes(0, 0);
    assert.deepEqual(
      counter.reports.filter(([index]) => index === 0).map(([, number]) => number),
      [1, 2, 1, 0],
    );
    assert.deepEqual(
      counter.reports.filter(([index]) => index === 1),
      [[1, 0]],
    );
  });

  test("falls far sooner than the next look when a process is killed", async () => {
    const name = `${PREFIX}-killed`;
    const path = program(name);
    const victims = await Promise.all(Array.from({ length: KILLS }, () => run(path, [FOREVER])));
    let current = -1;
    let changed = (): void => {};
    watches.add(
      watchProcesses([{ name }], (_, number) => {
        current = number;
        changed();
      }),
    );
    await waitFor("all of them", () => current === KILLS, DEADLINE_MS);
    const tookMs: number[] = [];
    for (const [index, victim] of victims.entries()) {
      const fallen = new Promise<void>((resolve) => (changed = resolve));
      const killedAt = now();
      victim.kill("SIGKILL");
      await fallen;
      tookMs.push(now() - killedAt);
      assert.equal(current, KILLS - 1 - index);
    }
    tookMs.sort((a, b) => a - b);
    assert.ok((tookMs.at(-1) ?? Infinity) < DEATH_MS_MAX, `${tookMs}`);
    assert.ok((tookMs[Math.floor(KILLS / 2)] ?? Infinity) < DEATH_MS_MEDIAN, `${tookMs}`);
  });

  test("compares arguments with all, the first, or a run of them", async () => {
    const name = `${PREFIX}-args`;
    const path = program(name);
    // sleep(1) adds them up.
    await run(path, ["1000", "2000", "3000"]);
    await run(path, ["1000"]);
    const counter = count(
      { name },
      { name, arguments: ["1000"] },
      { name, arguments: ["1000", "2000", "3000"], match: "exact" },
      { name, arguments: ["1000", "2000"] },
      { name, arguments: ["1000"], match: "initial" },
      { name, arguments: ["1000", "2000"], match: "initial" },
      { name, arguments: ["2000"], match: "initial" },
      { name, arguments: ["2000", "3000"], match: "partial" },
      { name, arguments: ["1000", "3000"], match: "partial" },
      { name, arguments: ["1000"], match: "partial" },
      { name, arguments: [] },
      { name, arguments: [], match: "initial" },
    );
    await counter.becomes(2, 1, 1, 0, 2, 1, 0, 1, 0, 2, 0, 2);
  });

  test("compares the command line's first word if asked to", async () => {
    const name = `${PREFIX}-comm`;
    const title = `${PREFIX}-a-title-of-its-own`;
    await run(program(name), [FOREVER], { argv0: `/opt/${title}` });
    const counter = count(
      { name },
      { name, fullCommand: true },
      { name: title },
      { name: title, fullCommand: true },
      { name: `/opt/${title}`, fullCommand: true },
      { name: title, fullCommand: true, arguments: [FOREVER] },
      { name: title, fullCommand: true, arguments: ["1"] },
    );
    await counter.becomes(1, 0, 0, 1, 1, 1, 0);
  });

  test("tells names apart of which the kernel keeps the same beginning", async () => {
    const [a, b] = [`${PREFIX}-long-enough-a`, `${PREFIX}-long-enough-b`];
    assert.equal(a.slice(0, 15), b.slice(0, 15));
    await run(program(a), [FOREVER]);
    await run(program(b), [FOREVER]);
    await run(program(b), [FOREVER]);
    const counter = count({ name: a }, { name: b }, { name: a.slice(0, 15) }, { name: `${a}b` });
    await counter.becomes(1, 2, 3, 0);
  });

  test("takes a name for octets, and one with parentheses and backslashes as it is", async () => {
    const [odd, accented] = [`${PREFIX}) Z\\n(`, `${PREFIX}-éé`];
    await run(program(odd), [FOREVER]);
    await run(program(accented), [FOREVER]);
    await count({ name: odd }, { name: accented }).becomes(1, 1);
  });

  test("leaves out zombies, those of before and those of now", async () => {
    const name = `${PREFIX}-zombie`;
    // The shell becomes a program that reaps nobody.
    const parent = await run(
      "/bin/sh",
      ["-c", '"$0" 1000 & echo $!; exec sleep 1000', program(name)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    assert.ok(parent.stdout);
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    const counter = count({ name });
    await counter.becomes(1);
    process.kill(pid, "SIGKILL");
    await counter.becomes(0);
    assert.equal(stateOf(pid), "Z");
    // Two more processes, seen one after the other, are two more scans of all.
    const others = `${PREFIX}-other`;
    const later = count({ name }, { name: others });
    await later.becomes(0, 0);
    const path = program(others);
    await run(path, [FOREVER]);
    await later.becomes(0, 1);
    await run(path, [FOREVER]);
    await later.becomes(0, 2);
    assert.equal(stateOf(pid), "Z");
    assert.deepEqual(counter.reports, [
      [0, 1],
      [0, 0],
    ]);
    assert.deepEqual(
      later.reports.filter(([index]) => index === 0),
      [[0, 0]],
    );
  });

  test("notices a process that becomes another program, young or old", async () => {
    const [former, latter] = [`${PREFIX}-former`, `${PREFIX}-latter`];
    const shell = join(folder, former);
    copyFileSync("/bin/sh", shell);
    const counter = count({ name: former }, { name: latter });
    const script = 'read line; exec "$0" 1000';
    const becoming = async (path: string): Promise<() => void> => {
      const child = await run(path, ["-c", script, program(latter)], {
        stdio: ["pipe", "ignore", "ignore"],
      });
      return () => void child.stdin?.write("\n");
    };
    const [youngCounted, oldCounted] = [await becoming(shell), await becoming(shell)];
    const [youngOther, oldOther] = [await becoming("/bin/sh"), await becoming("/bin/sh")];
    await counter.becomes(2, 0);
    youngCounted();
    await counter.becomes(1, 1);
    youngOther();
    await counter.becomes(1, 2);
    // Nothing to wait for: this is how long a process is young.
    await delay(2500);
    oldCounted();
    await counter.becomes(0, 3);
    oldOther();
    await counter.becomes(0, 4);
  });

  test("is silent once it is closed, also by what it calls", async () => {
    const name = `${PREFIX}-closed`;
    const child = await run(program(name), [FOREVER]);
    let reports = 0;
    const watch = watchProcesses([{ name }, { name }], () => {
      reports++;
      watch.close();
    });
    await waitFor("the first report", () => reports > 0, DEADLINE_MS);
    const other = count({ name });
    await other.becomes(1);
    await kill(child);
    await other.becomes(0);
    assert.equal(reports, 1);
  });
});
