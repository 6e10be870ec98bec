/** What `@karuntime/sdk/testing` says about a plugin is what the sandbox says; `runInSandbox` asks the sandbox itself. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runCheck } from "@karuntime/sdk/testing";
import { runInSandbox } from "karuntime/testing";
import type { TestHost } from "../sandbox/host.ts";
import { check, startHost } from "../sandbox/host.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

describe("the sandbox and the tests agree", () => {
  const folder = mkdtempSync(join(root, ".testing-"));
  let host: TestHost;
  before(async () => {
    host = await startHost();
  });
  after(() => {
    host.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What both say to a check with this body. */
  async function both(
    name: string,
    body: string,
    permissions?: string,
  ): Promise<readonly [string, string]> {
    const source = check(body, permissions);
    await host.load(name, source, { intervalMs: 60_000, timeoutMs: 3000 });
    const state = await host.state(name);
    const { last } = await host.report(name);
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, source);
    const { default: definition } = await import(file);
    const { outcome, reason } = await runCheck(definition);
    return [`${last?.outcome}: ${state.reason}`, `${outcome}: ${reason}`];
  }

  const WISHES = [
    'processes.count("nginx")',
    'processes.watch("nginx")',
    'services.start("nginx")',
    'services.status("a b")',
    'exec(["/bin/check", "-a b"])',
    'mail({ subject: "a", text: "b" })',
    'files.read("/etc/passwd")',
    "system.load()",
    'system.disk("/var")',
    'fetch("http://example.com/health")',
    'fetch("https://[::1]/health")',
    'connect("127.0.0.1:6379")',
    'udp("127.0.0.1:123", "x")',
    'dns("example.com", "A")',
    'dns("example.com", "A", { server: "127.0.0.1:53" })',
    'ping("192.0.2.1")',
    'store.get("key")',
    'metrics.gauge("number", 1)',
    'secrets.get("token")',
  ];
  for (const [index, wish] of WISHES.entries())
    test(`on what is not permitted: ${wish}`, async () => {
      const [sandbox, tested] = await both(`denied${index}`, `await ${wish};`);
      assert.match(sandbox, /^error: not permitted: .*denied\d+\.ts:\d+:\d+\)$/);
      assert.equal(tested, sandbox);
    });

  const RESULTS = [
    "",
    'return down("one\\ntwo")',
    "return weight(5)",
    "return weight(300)",
    "return weight(NaN)",
    "return 5 as never",
    'return { down: "mine" } as never',
    'throw new TypeError("thrown")',
    'throw "a text"',
    "await Promise.reject(new Error('rejected'))",
    'await connect("::1:6379")',
    'await udp("localhost", "x")',
    'await fetch("file:///etc/passwd")',
    'await metrics.gauge("Not a name", 1)',
    'await metrics.counter("name", -1)',
    'await store.set("k".repeat(65), "")',
  ];
  for (const [index, body] of RESULTS.entries())
    test(`on the result of: ${body || "nothing"}`, async () => {
      const [sandbox, tested] = await both(
        `result${index}`,
        body,
        "{ metrics: true, store: true }",
      );
      assert.equal(tested, sandbox);
    });
});

describe("runInSandbox", () => {
  const folder = mkdtempSync(join(root, ".testing-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("runs a plugin in the sandbox, and tells what came of it", async () => {
    const file = join(folder, "check.ts");
    writeFileSync(
      file,
      `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  options: { long: { type: "boolean" }, word: { type: "string" } },
  async check({ options, log, down }) {
    log.info(typeof process);
    while (options.long);
    return down(options.word);
  },
});`,
    );
    const options = { long: false, word: "5" };
    const { outcome, reason, logs } = await runInSandbox(pathToFileURL(file), { options });
    assert.deepEqual([outcome, reason, logs[0]?.message], ["down", "5", "undefined"]);
    const [endless, other] = await Promise.all([
      runInSandbox(file, { options: { ...options, long: true }, timeoutMs: 100 }),
      runInSandbox(file, { options }),
    ]);
    assert.equal(endless.outcome, "timed out");
    assert.equal(other.outcome, "down");
    await assert.rejects(runInSandbox(file), /options?\.long: found nothing, expected a boolean/);
  });
});
