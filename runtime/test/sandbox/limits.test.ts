/** Whatever a plugin does, it ends in time as a failed check, and its neighbours do not notice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";

const TIMEOUT_MS = 200;
/** The limit of the check, what is granted beyond it before the host counts as stuck, and a busy machine. */
const REPORT_MS_MAX = TIMEOUT_MS + 100 + 1000;

interface Hostile {
  readonly name: string;
  readonly source: string;
  readonly reason: RegExp;
}

const hostile: readonly Hostile[] = [
  { name: "loops", source: check("for (;;);"), reason: /^timed out/ },
  { name: "loops after an await", source: check("await null; for (;;);"), reason: /^timed out/ },
  {
    name: "loops after a host call",
    source: check('await processes.count("x"); for (;;);', '{ processes: ["x"] }'),
    reason: /^timed out/,
  },
  {
    name: "loops in a timer",
    source: check("await new Promise(() => setTimeout(() => { for (;;); }, 1));"),
    reason: /^timed out/,
  },
  {
    name: "floods microtasks",
    source: check("const again = () => Promise.resolve().then(again); await again();"),
    reason: /^timed out|^out of memory/,
  },
  {
    name: "never settles",
    source: check("await new Promise(() => {});"),
    reason: /^it waits for something that never comes/,
  },
  {
    name: "loops in a getter of its result",
    source: check("return { get down() { for (;;); } } as never;"),
    reason: /^found something else as the check's result|^timed out/,
  },
  {
    name: "loops in then of its result",
    source: check("return { then() { for (;;); } } as never;"),
    reason: /^timed out/,
  },
  {
    name: "loops in the message of its error",
    source: check("throw { get message() { for (;;); } };"),
    reason: /^timed out/,
  },
  {
    name: "loops in a regular expression",
    source: check('/(a+)+b/.test("a".repeat(40));'),
    reason: /^timed out/,
  },
  {
    name: "fills an array",
    source: check("const all: unknown[] = []; for (;;) all.push(new Array(1000).fill(1));"),
    reason: /^out of memory|^timed out/,
  },
  {
    name: "fills a map",
    source: check("const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });"),
    reason: /^out of memory|^timed out/,
  },
  {
    name: "grows a string",
    source: check('let text = "x"; for (;;) text += text;'),
    reason: /^out of memory|^timed out|^Invalid string length/,
  },
  {
    name: "sends endless requests",
    source: check('for (;;) void processes.count("x").catch(() => {});', '{ processes: ["x"] }'),
    reason: /^timed out|^out of memory/,
  },
  {
    name: "recurses without end",
    source: check("const f = (): void => f(); f();"),
    reason: /^Maximum call stack size exceeded/,
  },
  {
    name: "returns something else",
    source: check("return 7 as never;"),
    reason: /^found number as the check's result/,
  },
  {
    name: "forges a verdict",
    source: check('return { down: "forged" };'),
    reason: /^found something else as the check's result/,
  },
  { name: "throws nothing useful", source: check("throw null;"), reason: /^null$/ },
];

describe("a hostile plugin", () => {
  let host: TestHost;
  before(async () => {
    // This host is not replaced when it asks for it, and keeps what a bomb leaves behind.
    host = await startHost({ memoryBytes: 1024 ** 3 });
    await host.load("neighbour", check("await null;"), { intervalMs: 50, timeoutMs: 1000 });
    assert.equal((await host.state("neighbour")).state, "up");
  });
  after(async () => {
    host.stop();
    await stopBundler();
  });

  for (const { name, source, reason } of hostile) {
    test(name, async () => {
      await host.load(name, source, { intervalMs: 60_000, timeoutMs: TIMEOUT_MS });
      const judged = await host.state(name);
      const report = await host.report(name);
      assert.equal(judged.state, "down");
      assert.match(judged.reason, reason);
      const durationMs = report.last?.durationMs ?? Number.POSITIVE_INFINITY;
      assert.ok(durationMs <= REPORT_MS_MAX, `reported after ${durationMs} ms`);
      const { runs } = await host.report("neighbour");
      await nextRuns(host, "neighbour", runs + 2);
    });
  }

  test("ends alone: another check of the same plugin goes on", async () => {
    const source = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  options: { loop: { type: "boolean", default: false } },
  async check({ options }) {
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
    if (options.loop) for (;;);
  },
});`;
    await host.load("sibling", source, { intervalMs: 50, timeoutMs: 2000 });
    await host.load("looping", source, {
      intervalMs: 250,
      timeoutMs: 200,
      options: { loop: true },
    });
    assert.equal((await host.state("looping")).state, "down");
    await nextRuns(host, "looping", 5);
    const { outcomes, runs } = await host.report("sibling");
    assert.ok(runs >= 5);
    assert.equal(outcomes.up, runs);
  });

  test("what an invocation left behind does not count against the next ones", async () => {
    const body = `
      setTimeout(() => {}, 50_000);
      clearTimeout(setTimeout(() => {}, 50_000));
      void exec(["/bin/true"]).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 1));`;
    const source = check(body, '{ exec: [["/bin/true"]] }');
    await host.load("forgetful", source, { intervalMs: 10, timeoutMs: 2000 });
    // More than the 64 requests that it may have at a time.
    await nextRuns(host, "forgetful", 70);
    const { outcomes, runs, last } = await host.report("forgetful");
    assert.equal(outcomes.up, runs, last?.reason);
  });

  test("and the neighbour was up all the time", async () => {
    const { outcomes, runs } = await host.report("neighbour");
    assert.deepEqual(
      { ...outcomes, up: 0 },
      { up: 0, down: 0, "timed out": 0, "out of memory": 0, error: 0 },
    );
    assert.equal(outcomes.up, runs);
  });
});

async function nextRuns(host: TestHost, name: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await host.report(name)).runs < wanted) {
    assert.ok(performance.now() < deadline, `${name} does not run any more`);
    await sleep(20);
  }
}
