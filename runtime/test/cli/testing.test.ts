/** `@karuntime/sdk/testing` runs a plugin with a world that the test describes; `karuntime test` runs such tests. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { defineCheck, defineChecker, defineNotifier } from "@karuntime/sdk";
import type { Fakes, PartialEvent, TestResult } from "@karuntime/sdk/testing";
import { runCheck, runChecker, runNotifier } from "@karuntime/sdk/testing";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");

function karuntime(cwd: string, ...argv: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(PROGRAM, argv, { cwd, encoding: "utf8", env, timeout: 60_000 });
}

const api = defineCheck({
  permissions: { net: ["{url}"], processes: ["{process}"] },
  options: {
    url: { type: "string" },
    process: { type: "string", default: "nginx" },
    slowMs: { type: "number", default: 500, min: 1, max: 1000 },
  },
  async check({ fetch, processes, options, down, weight, log }) {
    const running = await processes.count(options.process);
    if (running === 0) return down(`${options.process} does not run`);
    const response = await fetch(options.url, { signal: AbortSignal.timeout(options.slowMs) });
    log.info(`${response.status} ${await response.text()}`);
    if (!response.ok) return down(`it answered ${response.status}`);
    return weight(running);
  },
});
const url = "http://127.0.0.1:8080/health";

describe("runCheck", () => {
  test("gives the plugin the world of the test and tells what came of it", async () => {
    const fakes = { options: { url }, processes: { nginx: 2 }, fetch: { [url]: { body: "ok" } } };
    const up = await runCheck(api, fakes);
    assert.equal(up.outcome, "up", up.reason);
    assert.equal(up.weight, 2);
    assert.deepEqual(up.logs, [{ level: "info", message: "200 ok" }]);
    assert.deepEqual(
      up.calls.map(({ name, args }) => [name, args[0]]),
      [
        ["processes.count", "nginx"],
        ["fetch", url],
      ],
    );
    const stopped = await runCheck(api, { ...fakes, processes: {} });
    assert.equal(stopped.outcome, "down");
    assert.equal(stopped.reason, "nginx does not run");
    const busy = await runCheck(api, {
      ...fakes,
      fetch: ({ method, url: asked }) => ({
        status: method === "GET" && asked === url ? 503 : 500,
      }),
    });
    assert.equal(busy.reason, "it answered 503");
  });

  test("refuses options as the runtime does", async () => {
    await assert.rejects(
      runCheck(api),
      /^Error: options\.url: found nothing, expected a string: the plugin has no default for it$/,
    );
    await assert.rejects(
      runCheck(api, { options: { url, slowMs: 0, extra: 1 } as never }),
      /options\.extra: the plugin has no such option; it has url, process, slowMs\noptions\.slowMs: found 0, expected 1 to 1000/,
    );
  });

  test("fails when the plugin asks for what the test does not describe, also if the plugin does not mind", async () => {
    await assert.rejects(
      runCheck(api, { options: { url } }),
      /processes: the test does not say what comes of it; give it \{ processes: \{ "nginx": 1 \} \}/,
    );
    const careless = defineCheck({
      permissions: { net: ["127.0.0.1:8080"] },
      async check({ fetch }) {
        await fetch(url).catch(() => undefined);
      },
    });
    await assert.rejects(
      runCheck(careless, { fetch: {} }),
      /fetch http:\/\/127\.0\.0\.1:8080\/health: .*give it \{ fetch: \{ "http:\/\/127\.0\.0\.1:8080\/health": \{ status: 200, body: "ok" \} \} \}/,
    );
    assert.equal(
      (await runCheck(careless, { fetch: { [url]: new Error("refused") } })).outcome,
      "up",
    );
  });

  test("what takes too long ends with the plugin's own signal, without waiting where there is a clock", async (t) => {
    const fakes = { options: { url, slowMs: 20 }, processes: { nginx: 1 } };
    const slow = { [url]: { delayMs: 40 } };
    const late = await runCheck(api, { ...fakes, fetch: slow });
    assert.equal(late.outcome, "error");
    assert.match(late.reason, /timeout/);
    assert.equal(
      (await runCheck(api, { ...fakes, fetch: { [url]: { delayMs: 1 } } })).outcome,
      "up",
    );

    t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const patient = defineCheck({
      permissions: { net: ["127.0.0.1:8080"] },
      async check({ fetch, down }) {
        const startedAtMs = Date.now();
        await fetch(url);
        return down(`it took ${Date.now() - startedAtMs} ms`);
      },
    });
    const clock = { advance: (ms: number) => t.mock.timers.tick(ms) };
    const hour = await runCheck(patient, { fetch: { [url]: { delayMs: 3_600_000 } }, clock });
    assert.equal(hour.reason, "it took 3600000 ms");
  });

  test("a redirect must be permitted too", async () => {
    const redirected = { [url]: { status: 302, headers: { location: "http://192.0.2.1/" } } };
    const { outcome, reason } = await runCheck(api, {
      options: { url },
      processes: { nginx: 1 },
      fetch: redirected,
    });
    assert.equal(outcome, "error");
    assert.match(reason, /^not permitted: to connect to 192\.0\.2\.1:80, add it to the plugin/);
  });

  test("services, files, commands, what is kept, metrics and mail", async () => {
    const busy = defineCheck({
      permissions: {
        services: { nginx: ["status", "start"] },
        files: ["/run/app/"],
        exec: [["/bin/check", "..."]],
        store: true,
        metrics: true,
        mail: true,
        secrets: ["token"],
        system: true,
        dns: ["system"],
        udp: ["127.0.0.1:123"],
        ping: ["192.0.2.1"],
      },
      async check({
        services,
        files,
        exec,
        store,
        metrics,
        mail,
        secrets,
        system,
        dns,
        udp,
        ping,
        down,
      }) {
        const before = await services.status("nginx");
        await services.start("nginx");
        const { text } = await files.read("/run/app/state");
        const missing = await files.read("/run/app/none").catch(() => "none");
        const { status, stdout } = await exec(["/bin/check", "-v"]);
        await store.set("seen", `${Number(await store.get("seen")) + 1}`);
        await metrics.counter("found", 2, { of: "a" });
        await metrics.counter("found", 3, { of: "a" });
        await mail({ subject: "one\ntwo", text: await secrets.get("token") });
        const { one } = await system.load();
        const { answers } = await dns("example.com", "A");
        const { rcode } = await dns("example.org", "A");
        const octets = await udp("127.0.0.1:123", "ask");
        const { timeMs } = await ping("192.0.2.1");
        const after = await services.status("nginx");
        const first = answers[0]?.data;
        return down(
          [
            before,
            after,
            text,
            missing,
            status,
            stdout,
            one,
            first,
            rcode,
            octets.length,
            timeMs,
          ].join(" "),
        );
      },
    });
    const fakes: Fakes = {
      services: { nginx: "stopped" },
      files: { "/run/app/state": "well" },
      exec: { "/bin/check -v": { stdout: "fine" } },
      store: { seen: "4" },
      secrets: { token: "t" },
      system: { load: { one: 0.5, five: 0, fifteen: 0, cpus: 1 } },
      dns: { "example.com A": ["192.0.2.80"] },
      udp: { "127.0.0.1:123": (data) => new Uint8Array(data.length * 2) },
      ping: { "192.0.2.1": 7 },
    };
    const result = await runCheck(busy, fakes);
    assert.equal(result.reason, "stopped running well none 0 fine 0.5 192.0.2.80 NXDOMAIN 6 7");
    assert.deepEqual(result.store, { seen: "5" });
    assert.deepEqual(result.metrics, [
      { name: "found", type: "counter", labels: { of: "a" }, value: 5 },
    ]);
    assert.deepEqual(result.mails, [{ subject: "one two", text: "t" }]);
  });
});

describe("runChecker and runNotifier", () => {
  const redis = defineChecker({
    async check({ target, connect, down }) {
      const connection = await connect(`${target.address}:${target.port}`);
      const greeting = await connection.readUntil("\n");
      await connection.write("PING\r\n");
      const answer = await connection.readUntil("\r\n");
      if (answer !== "+PONG\r\n") return down(`${greeting.trim()} says ${answer.trim()}`);
    },
  });
  const target = { address: "192.0.2.7", port: 6379 };
  const talk = (reply: string): Fakes => ({
    connect: { "192.0.2.7:6379": [{ reply: "hello\n" }, { expect: /^PING/, reply }] },
  });

  test("a checker talks with its target as the script says", async () => {
    const run = (reply: string): Promise<TestResult> =>
      runChecker(redis, { target, ...talk(reply) });
    assert.equal((await run("+PONG\r\n")).outcome, "up");
    assert.equal((await run("-LOADING\r\n")).reason, "hello says -LOADING");
    assert.match(
      (await run("+PO")).reason,
      /^connect: the other side closed the connection before "\\r\\n" came/,
    );
  });

  test("a plugin that does not keep to the script fails the test", async () => {
    await assert.rejects(
      runChecker(redis, {
        target,
        connect: { "192.0.2.7:6379": [{ reply: "hello\n" }, { expect: "QUIT", reply: "" }] },
      }),
      /the plugin wrote "PING\\r\\n", the conversation expects "QUIT"/,
    );
    await assert.rejects(
      runChecker(redis, {
        target,
        connect: { "192.0.2.7:6379": [{ expect: "HELLO", reply: "" }] },
      }),
      /the plugin reads, the conversation expects it to write "HELLO" first/,
    );
  });

  test("a notifier gets the event", async () => {
    const notifier = defineNotifier({
      permissions: { mail: true },
      async notify(event, { mail }) {
        if (event.event === "fault") throw new Error("no mail today");
        const number =
          "priority" in event ? event.priority : "weight" in event ? event.weight : "no";
        await mail({ subject: `${event.subject.name} ${event.event} ${number}`, text: "" });
      },
    });
    const told = await runNotifier(notifier, { event: { event: "backup", priority: 90 } });
    assert.deepEqual([told.outcome, told.mails[0]?.subject], ["up", "VI_1 backup 90"]);
    const subjectOf = async (event: PartialEvent): Promise<string | undefined> =>
      (await runNotifier(notifier, { event })).mails[0]?.subject;
    assert.equal(await subjectOf({ subject: { type: "sync-group" } }), "G master no");
    assert.equal(await subjectOf({ event: "up", weight: 7 }), "192.0.2.11:80 up 7");
    assert.equal(await subjectOf({ subject: { type: "real-server" } }), "192.0.2.11:80 down 1");
    assert.equal(await subjectOf({ event: "quorum-up" }), "web quorum-up 1");
    assert.equal(
      await subjectOf({ subject: { type: "virtual-server", name: "mail" } }),
      "mail quorum-down 0",
    );
    const failed = await runNotifier(notifier, { event: { event: "fault" } });
    assert.equal(failed.outcome, "error");
    assert.match(failed.reason, /^no mail today \(testing\.test\.ts:\d+:\d+\)$/);
  });
});

describe("karuntime test", () => {
  const folder = mkdtempSync(join(root, ".karuntime-test-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("runs every *.test.ts but those in node_modules, and tells whether they passed", () => {
    assert.match(karuntime(folder, "test").stderr, /found no \*\*\/\*\.test\.ts here/);
    mkdirSync(join(folder, "checks"));
    mkdirSync(join(folder, "node_modules"));
    const passing = `import { test } from "node:test";\nconst name: string = "one";\ntest(name, () => {});\n`;
    const failing =
      'import { test } from "node:test";\ntest("bad", () => { throw new Error("no"); });\n';
    writeFileSync(join(folder, "checks/good.test.ts"), passing);
    writeFileSync(join(folder, "node_modules/other.test.ts"), failing);
    const good = karuntime(folder, "test");
    assert.equal(good.status, 0, good.stdout + good.stderr);
    assert.match(good.stdout, /pass 1\n/);
    writeFileSync(join(folder, "bad.test.ts"), failing);
    assert.equal(karuntime(folder, "test").status, 1);
    assert.equal(karuntime(folder, "test", "checks/good.test.ts").status, 0);
  });
});
