/** What a plugin may do is what it declared, and what it sees of the host is nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { SandboxToDaemon } from "../../dist/sandbox/protocol.js";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";

const ONCE = { intervalMs: 60_000, timeoutMs: 2000 };

describe("a plugin in its sandbox", () => {
  let host: TestHost;
  let server: Server;
  let port: number;
  before(async () => {
    host = await startHost();
    server = createServer((request, response) => {
      if (request.url === "/away")
        response.writeHead(302, { location: "http://127.0.0.2:1/secret" });
      else if (request.url === "/home") response.writeHead(302, { location: "/" });
      else if (request.url === "/large") return void response.end("x".repeat(2 * 1024 * 1024));
      else if (request.url === "/slow") return;
      else response.writeHead(200, { "x-name": "test" });
      response.end(JSON.stringify({ method: request.method, agent: request.headers["x-agent"] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(async () => {
    host.stop();
    server.closeAllConnections();
    server.close();
    await stopBundler();
  });

  const run = (body: string, permissions?: string) => host.judge(body, permissions);
  type Request = Extract<SandboxToDaemon, { type: "request" }>;
  const request = (matches: (message: Request) => boolean): Promise<Request> =>
    host.waitFor("a request", () =>
      host.messages.find(
        (message): message is Request => message.type === "request" && matches(message),
      ),
    );
  const net = (): string => `{ net: ["127.0.0.1:${port}"] }`;
  const at = (path: string): string => `"http://127.0.0.1:${port}${path}"`;

  test(
    "runs without capabilities, as another user, and can gain nothing",
    { skip: process.getuid?.() === 0 ? false : "needs root: only root can change its user" },
    () => {
      const status = readFileSync(`/proc/${host.pid}/status`, "utf8");
      assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m);
      assert.match(status, /^Gid:\t65534\t65534\t65534\t65534$/m);
      assert.match(status, /^Groups:\t\s*$/m);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
        assert.match(status, new RegExp(`^${set}:\t0+$`, "m"));
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.equal(readFileSync(`/proc/${host.pid}/environ`, "latin1"), "");
    },
  );

  test("counts the processes that it may count, and sees them come and go", async () => {
    const sleeper = "karu-test-sleep";
    const start = () =>
      spawn("/bin/sh", ["-c", `printf ${sleeper} >/proc/$$/comm; read line`], {
        stdio: ["pipe", "ignore", "ignore"],
      });
    const body = `const n = await processes.count("${sleeper}"); return down(\`\${n}\`);`;
    await host.load("count", check(body, `{ processes: ["${sleeper}"] }`), {
      intervalMs: 50,
      timeoutMs: 1000,
    });
    const seen = async (wanted: string): Promise<void> => {
      const deadline = performance.now() + 10_000;
      for (let last = ""; last !== wanted; last = (await host.report("count")).reason)
        assert.ok(performance.now() < deadline, `counted ${last}, expected ${wanted}`);
    };
    await seen("0");
    const first = start();
    await seen("1");
    const second = start();
    await seen("2");
    first.kill("SIGKILL");
    await seen("1");
    second.kill("SIGKILL");
    await seen("0");
  });

  test("is denied what it did not declare, and told what to add", async () => {
    await host.load("counts", check('await processes.count("nginx");'), ONCE);
    assert.match(
      (await host.state("counts")).reason,
      /^not permitted: to count "nginx", add it to the plugin: permissions: \{ processes: \["nginx"\] \} \(counts\.ts:5:21\)$/,
    );
    assert.equal((await host.report("counts")).denied, 1);
    assert.match(
      await run('await services.start("nginx");'),
      /^not permitted: to start nginx, add it to the plugin: permissions: \{ services: \{ "nginx": \["start"\] \} \}/,
    );
    assert.match(
      await run('await services.stop("nginx");', '{ services: { nginx: ["start"] } }'),
      /^not permitted: to stop nginx/,
    );
    assert.match(
      await run(`await fetch(${at("/")});`),
      /^not permitted: to connect to 127\.0\.0\.1:\d+/,
    );
    assert.match(
      await run('await fetch("file:///etc/passwd");'),
      /found file:, expected http: or https:/,
    );
  });

  test("fetches from where it may, and from nowhere else by redirect", async () => {
    assert.equal(
      await run(
        `const response = await fetch(${at("/")}, { method: "POST", headers: { "X-Agent": "a" }, body: "b" });
      const body = await response.json() as { method: string; agent: string };
      if (!response.ok || response.status !== 200 || response.headers.get("X-Name") !== "test") return down("status");
      if (body.method !== "POST" || body.agent !== "a") return down("body");`,
        net(),
      ),
      "up",
    );
    assert.equal(
      await run(
        `if ((await fetch(${at("/home")})).status !== 200) return down("not followed");`,
        net(),
      ),
      "up",
    );
    assert.equal(
      await run(
        `if ((await fetch(${at("/away")}, { redirect: "manual" })).status !== 302) return down("followed");`,
        net(),
      ),
      "up",
    );
    assert.match(
      await run(`await fetch(${at("/away")});`, net()),
      /^not permitted: to connect to 127\.0\.0\.2:1/,
    );
    assert.match(
      await run(`await fetch(${at("/large")});`, net()),
      /the answer is longer than 1048576 bytes/,
    );
    assert.match(
      await run(`await fetch(${at("/slow")}, { signal: AbortSignal.timeout(100) });`, net()),
      /^no answer within 100 ms/,
    );
  });

  test("has services acted on by the daemon, after its grant was checked here", async () => {
    await host.load(
      "service",
      check(
        'await services.start("nginx"); if (await services.status("nginx") === "stopped") return down("still stopped");',
        '{ services: { nginx: ["start", "status"] } }',
      ),
      ONCE,
    );
    const asked = (action: string) =>
      request(({ request: wish }) => wish.type === "service" && wish.action === action);
    const start = await asked("start");
    assert.deepEqual(
      { plugin: start.plugin, request: start.request },
      { plugin: "service", request: { type: "service", service: "nginx", action: "start" } },
    );
    host.send({ type: "answer", id: start.id, result: { ok: true, value: true } });
    const status = await asked("status");
    host.send({ type: "answer", id: status.id, result: { ok: true, value: false } });
    assert.equal((await host.state("service")).reason, "still stopped");
  });

  test("is told why a service action failed", async () => {
    await host.load(
      "failing",
      check('await services.restart("web");', '{ services: { web: ["restart"] } }'),
      ONCE,
    );
    const asked = await request(({ plugin }) => plugin === "failing");
    host.send({
      type: "answer",
      id: asked.id,
      result: { ok: false, error: "web: exited with status 3" },
    });
    assert.match((await host.state("failing")).reason, /^web: exited with status 3/);
  });

  test("has commands run by the daemon, and only those that it was granted", async () => {
    const permissions = '{ exec: [["/bin/check", "-a"], ["/bin/open", "..."]] }';
    await host.load(
      "exec",
      check(
        'const { status, stdout } = await exec(["/bin/open", "x", "y"]); return down(`${status} ${stdout}`);',
        permissions,
      ),
      ONCE,
    );
    const asked = await request(({ plugin }) => plugin === "exec");
    assert.ok(asked.request.type === "exec");
    assert.deepEqual(asked.request.argv, ["/bin/open", "x", "y"]);
    const value = { status: 3, signal: null, stdout: "said", stderr: "" };
    host.send({ type: "answer", id: asked.id, result: { ok: true, value } });
    assert.equal((await host.state("exec")).reason, "3 said");
    const refused = /^not permitted: to run .*, add it to the plugin: permissions: \{ exec: \[\[/;
    for (const argv of [
      '["/bin/check"]',
      '["/bin/check", "-a", "-b"]',
      '["/bin/check", "-b"]',
      '["/bin/other"]',
      '["/bin/open\\0x"]',
      '["/bin/open", "a\\0b"]',
      "[]",
      '["..."]',
      'Object.assign(["/bin/sh"], { length: 1, toString: () => "/bin/check" })',
    ])
      assert.match(await run(`await exec(${argv});`, permissions), refused, argv);
    assert.match(await run("await exec(null as never);", permissions), /null/);
  });

  test("with onFault hold a fault judges nothing, and is logged once", async () => {
    const source = check(
      "const given = globalThis as { runs?: number }; given.runs = (given.runs ?? 0) + 1; if (given.runs > 1) throw new Error(`fault ${given.runs}`);",
    );
    const often = { intervalMs: 50, timeoutMs: 1000 };
    await host.load("held", source, { ...often, onFault: "hold" });
    await host.load("fallen", `${source}// another bundle`, often);
    await host.waitFor("the fall", () =>
      host.messages.find(
        ({ type, ...rest }) =>
          type === "state" &&
          "state" in rest &&
          rest.state === "down" &&
          "check" in rest &&
          rest.check === "fallen",
      ),
    );
    while ((await host.report("held")).outcomes.error < 3)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const report = await host.report("held");
    assert.equal(report.state, "up");
    const lines = host.messages.filter(
      (message) => message.type === "log" && message.plugin === "held",
    );
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines[0]), /fault 2.*it holds its state, up/);
  });

  test("a command whose invocation has ended is ended", async () => {
    await host.load("slow", check('await exec(["/bin/a"]);', '{ exec: [["/bin/a"]] }'), ONCE);
    const asked = await request(({ plugin }) => plugin === "slow");
    assert.match((await host.state("slow")).reason, /^timed out after/);
    await host.waitFor("the end of the command", () =>
      host.messages.find((message) => message.type === "cancel" && message.id === asked.id),
    );
  });

  test("mail is sent by the daemon, when it was granted", async () => {
    const body = 'await mail({ subject: "a\\nb", text: "c".repeat(20000) }); return down("sent");';
    assert.match(await run(body), /^not permitted: to send mail/);
    await host.load("mail", check(body, "{ mail: true }"), ONCE);
    const asked = await request(({ plugin }) => plugin === "mail");
    assert.deepEqual(asked.request, { type: "mail", subject: "a b", text: "c".repeat(10000) });
    host.send({ type: "answer", id: asked.id, result: { ok: true, value: null } });
    assert.equal((await host.state("mail")).reason, "sent");
  });

  test("an exception names the plugin's own file, line and column", async () => {
    assert.match(
      await run(
        "const user = undefined as unknown as { name: string };\n    await null;\n    return down(user.name);",
      ),
      /^Cannot read properties of undefined \(reading 'name'\) \(check\d+\.ts:7:22\)$/,
    );
  });

  test("logs single lines of bounded length, and not too many", async () => {
    await run(
      'log.warn("one\\ntwo\\u001b[31m" + "x".repeat(2000)); for (let i = 0; i < 100; i++) log.info("many"); console.log({ a: 1 });',
    );
    const lines = host.messages
      .filter((message) => message.type === "log")
      .filter((message) => message.plugin.startsWith("check"));
    assert.match(lines[0]?.message ?? "", /^one two \[31mx+$/);
    assert.ok(lines.every((line) => line.message.length <= 500));
    assert.ok(lines.length <= 21, `${lines.length} lines`);
  });

  test("finds no way to the host in its globals", async () => {
    const names = [
      "require",
      "process",
      "global",
      "Buffer",
      "WebAssembly",
      "Atomics",
      "SharedArrayBuffer",
      "FinalizationRegistry",
      "WeakRef",
      "fetch",
      "ivm",
      "__karuntimeEnvironment",
    ];
    assert.equal(
      await run(
        `const names = ${JSON.stringify(names)}.filter((name) => name in globalThis); if (names.length > 0) return down(names.join());`,
      ),
      "up",
    );
    assert.equal(
      await run(
        'if (typeof (new ArrayBuffer(8) as { resize?: unknown }).resize !== "undefined") return down("resizable");',
      ),
      "up",
    );
    assert.match(
      await run("Error.prepareStackTrace = () => 1;"),
      /^Cannot assign to read only property 'prepareStackTrace'/,
    );
    assert.equal(
      await run(
        'const escaped = (log as unknown as { constructor: { constructor: (code: string) => () => unknown } }).constructor.constructor("return typeof process")(); if (escaped !== "undefined") return down(String(escaped));',
      ),
      "up",
    );
  });

  test("harms nobody by changing what the language is made of", async () => {
    await run(
      'Promise.prototype.then = () => { throw new Error("mine"); }; JSON.stringify = () => "{}"; Array.prototype.push = () => 0; Object.prototype.toString = () => { throw 1; };',
    );
    assert.equal(await run("await null;"), "up");
  });

  test("the reason that it gives is bounded and one line", async () => {
    const reason = await run('return down("a\\nb" + "x".repeat(10_000));');
    assert.match(reason, /^a bx+$/);
    assert.ok(reason.length <= 500);
  });
});
