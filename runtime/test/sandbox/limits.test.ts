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
});

async function nextRuns(host: TestHost, name: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await host.report(name)).runs < wanted) {
    assert.ok(performance.now() < deadline, `${name} does not run any more`);
    await sleep(20);
  }
}
