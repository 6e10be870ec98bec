/** An invocation that goes wrong costs other checks of its plugin, and the next invocations, nothing. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";

describe("what one invocation costs the others", () => {
  let host: TestHost;
  before(async () => {
    host = await startHost();
  });
  after(async () => {
    host.stop();
    await stopBundler();
  });

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
    const { last: burnt } = await host.report("looping");
    // It waited for 20 ms, and what it did with the rest was its own.
    assert.ok(burnt !== undefined && burnt.cpuMs > 100 && burnt.cpuMs <= burnt.durationMs - 10);
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

  test("more requests than are passed on do not swallow the result", async () => {
    const body = "for (let i = 0; i < 1500; i++) void system.load().catch(() => undefined);";
    await host.load("eager", check(body, "{ system: true }"), { intervalMs: 50, timeoutMs: 2000 });
    await nextRuns(host, "eager", 3);
    const { outcomes, runs, last } = await host.report("eager");
    assert.equal(outcomes.up, runs, last?.reason);
  });

  test("requests that wait or are given up take no timer's place; too many timers are told", async () => {
    const waiting = `
      for (let i = 0; i < 200; i++) void exec(["/bin/true"]).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 1));`;
    const often = { intervalMs: 50, timeoutMs: 2000 };
    await host.load("patient", check(waiting, '{ exec: [["/bin/true"]] }'), often);
    await nextRuns(host, "patient", 3);
    const { outcomes, runs, last } = await host.report("patient");
    assert.equal(outcomes.up, runs, last?.reason);
    const many = `
      for (let i = 0; i < 999; i++) setTimeout(() => {}, 50_000);
      await new Promise((done) => setTimeout(done, 1));
      for (let i = 0; i < 2; i++) setTimeout(() => {}, 50_000);
      await new Promise((done) => setTimeout(done, 1));`;
    await host.load("many timers", check(many, "{}"), often);
    assert.equal((await host.state("many timers")).state, "down");
    await host.waitFor("the line", () =>
      host.messages.find(
        (message) => message.type === "log" && /a timer never comes/.test(message.message),
      ),
    );
  });
});

async function nextRuns(host: TestHost, name: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await host.report(name)).runs < wanted) {
    assert.ok(performance.now() < deadline, `${name} does not run any more`);
    await sleep(20);
  }
}
