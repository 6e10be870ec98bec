/** Datagrams, DNS questions and pings from within the sandbox: what answers, what does not, and what is denied. */
import assert from "node:assert/strict";
import type { RemoteInfo, Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import dnsPacket from "dns-packet";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { SandboxToDaemon } from "../../dist/sandbox/protocol.js";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";
import { startProject } from "./plugins.ts";

type Request = Extract<SandboxToDaemon, { type: "request" }>;

describe("a plugin on the network", () => {
  let host: TestHost;
  let echo: Socket;
  let dns: Socket;
  let closed = "";
  const heard: string[] = [];

  before(async () => {
    host = await startHost();
    echo = createSocket("udp4");
    echo.on("message", (message: Buffer, from: RemoteInfo) => {
      heard.push(message.toString("utf8"));
      if (!message.toString("latin1").startsWith("silent"))
        echo.send(message, from.port, from.address);
    });
    dns = createSocket("udp4");
    dns.on("message", (message: Buffer, from: RemoteInfo) =>
      dns.send(answerTo(message), from.port, from.address),
    );
    const gone = createSocket("udp4");
    for (const socket of [echo, dns, gone]) {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    }
    closed = at(gone);
    gone.close();
  });
  after(async () => {
    host.stop();
    echo.close();
    dns.close();
    await stopBundler();
  });

  const at = (socket: Socket): string => `127.0.0.1:${socket.address().port}`;
  const send = (body: string, target = at(echo)): Promise<string> =>
    host.judge(`const target = "${target}"; ${body}`, `{ udp: ["${target}"] }`);
  const ask = (body: string): Promise<string> =>
    host.judge(`const server = "${at(dns)}"; ${body}`, `{ dns: ["${at(dns)}"] }`);

  test("sends a datagram and gets its answer, every byte as it is", async () => {
    const body = `
      const bytes = new Uint8Array(256).map((_, index) => index);
      const back = await udp(target, bytes);
      if (back.length !== 256 || back.some((byte, index) => byte !== index)) return down(back.join());
      return down(String.fromCharCode(...(await udp(target, "plain"))));`;
    assert.equal(await send(body), "plain");
  });

  test("sends text as UTF-8, and waits for no answer when told so", async () => {
    const body = `return down(String(await udp(target, "silent größe €", { answer: false })));`;
    assert.equal(await send(body), "null");
    await host.waitFor("the datagram", () => heard.find((text) => text === "silent größe €"));
  });

  test("a datagram without an answer is an error in the plugin's own line, in its own time", async () => {
    assert.match(
      await send(`await udp(target, "silent", { timeoutMs: 50 });`),
      /^udp: 127\.0\.0\.1:\d+: no answer within 50 ms \(check\d+\.ts:5:\d+\)$/,
    );
    assert.match(
      await send(`await udp(target, "silent", { signal: AbortSignal.timeout(50) });`),
      /^no answer within 50 ms/,
    );
    assert.match(
      await send(`await udp(target, "x");`, closed),
      /: nobody listens there: the port is unreachable/,
    );
  });

  test("an invocation that waits for too long ends, and so does what it waits for", async () => {
    const body = `await Promise.all(Array.from({ length: 16 }, () => udp("${at(echo)}", "silent")));`;
    const spec = { intervalMs: 200, timeoutMs: 200 };
    await host.load("waiting", check(body, `{ udp: ["${at(echo)}"] }`), spec);
    assert.match((await host.state("waiting")).reason, /^timed out/);
    // Were the sockets of one run still open in the next, that one would be refused more of them.
    let report = await host.report("waiting");
    while (report.runs < 3) report = await host.report("waiting");
    assert.deepEqual(
      Object.entries(report.outcomes).filter(([, count]) => count > 0),
      [["timed out", report.runs]],
    );
  });

  test("asks a DNS server", async () => {
    const body = `
      const { rcode, authoritative, answers } = await dns("www.example.com", "A", { server });
      return down(JSON.stringify([rcode, authoritative, answers]));`;
    assert.deepEqual(JSON.parse(await ask(body)), [
      "NOERROR",
      true,
      [
        { name: "www.example.com", type: "CNAME", ttl: 60, data: "web.example.com" },
        { name: "web.example.com", type: "A", ttl: 30, data: "192.0.2.80" },
      ],
    ]);
    const none = `return down((await dns("none.example.com", "A", { server })).rcode);`;
    assert.equal(await ask(none), "NXDOMAIN");
    assert.match(await ask(`await dns("a b", "A", { server });`), /^dns: found "a b", expected a/);
  });

  test("has the daemon ping, and gets its answer or its error", async () => {
    const body = `
      const { address, ttl, timeMs } = await ping("gateway.example.com", { timeoutMs: 500 });
      return down([address, ttl, timeMs].join());`;
    const granted = `{ ping: ["Gateway.example.com", "192.0.2.1"] }`;
    const judged = host.judge(body, granted);
    const first = await answered(0, {
      ok: true,
      value: { address: "192.0.2.1", ttl: 64, timeMs: 0.5 },
    });
    assert.deepEqual(first.request, {
      type: "ping",
      host: "gateway.example.com",
      timeoutMs: 500,
      size: 56,
    });
    assert.equal(await judged, "192.0.2.1,64,0.5");
    const failing = host.judge(`await ping("192.0.2.1");`, granted);
    const error = "ping: 192.0.2.1: no answer within 1000 ms";
    await answered(1, { ok: false, error });
    assert.match(await failing, /^ping: 192\.0\.2\.1: no answer within 1000 ms \(check\d+\.ts/);
    assert.match(
      await host.judge(`await ping("192.0.2.1", { size: 5 });`, granted),
      /found size 5, expected 16 to 1400/,
    );
  });

  test("is denied what it did not declare, and told what to add", async () => {
    const calls = `
      const said = [];
      for (const call of [
        () => udp("127.0.0.1:9", "x"),
        () => dns("example.com", "A"),
        () => dns("example.com", "A", { server: "127.0.0.1:9" }),
        () => ping("127.0.0.1"),
      ]) await call().catch((error) => said.push(error.message.replace(/.*permissions: /, "")));
      return down(said.join());`;
    await host.load("denied", check(calls), { intervalMs: 60_000, timeoutMs: 3000 });
    assert.equal(
      (await host.state("denied")).reason,
      '{ udp: ["127.0.0.1:9"] },{ dns: ["system"] },{ dns: ["127.0.0.1:9"] },{ ping: ["127.0.0.1"] }',
    );
    assert.equal((await host.report("denied")).denied, 4);
  });

  test("all of it as the daemon runs it, behind Node's permission model", async () => {
    const server = at(dns);
    const target = at(echo);
    const root = process.getuid?.() === 0;
    const plugin = check(
      `
      const { rcode } = await dns("www.example.com", "A", { server: "${server}" });
      const back = await udp("${target}", "echo");
      const own = await dns("www.example.com", "A", { timeoutMs: 50 }).catch((error) => error.message);
      const { address } = ${root} ? await ping("127.0.0.1") : { address: "none" };
      if (String(own).includes("cannot be read")) return down(own);
      return down([rcode, back.length, address].join());`,
      `{ dns: ["system", "{server}"], udp: ["{host}:{port}"], ping: ["127.0.0.1"] }`,
    ).replace(
      "permissions:",
      `options: { server: { type: "string" }, host: { type: "string" }, port: { type: "number" } }, permissions:`,
    );
    const [host, port] = target.split(":");
    const project = await startProject({
      "network.ts": plugin,
      "karuntime.config.ts": `export default {
        checks: {
          network: {
            plugin: "./network.ts",
            options: { server: "${server}", host: "${host}", port: ${port} },
            timeout: "5s",
            interval: "5s",
          },
        },
        virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.1/24"], track: { checks: [{ check: "network" }] } } },
      };`,
    });
    try {
      const expected = `NOERROR,4,${root ? "127.0.0.1" : "none"}`;
      assert.equal((await project.judged("network")).reason, expected);
    } finally {
      await project.stop();
    }
  });

  /** Answers the ping with this number as the daemon does. */
  async function answered(
    index: number,
    result: Extract<Parameters<TestHost["send"]>[0], { type: "answer" }>["result"],
  ): Promise<Request> {
    const request = await host.waitFor("a request", () =>
      host.messages.filter((message): message is Request => message.type === "request").at(index),
    );
    host.send({ type: "answer", id: request.id, result });
    return request;
  }
});

const AUTHORITATIVE = 0x0400;
const NXDOMAIN = 3;

function answerTo(message: Buffer): Buffer {
  // The question's name begins with its first label's length.
  const found = message.toString("latin1", 13, 16) === "www";
  return dnsPacket.encode({
    type: "response",
    id: message.readUInt16BE(0),
    flags: AUTHORITATIVE | (found ? 0 : NXDOMAIN),
    questions: [{ type: "A", name: found ? "www.example.com" : "none.example.com" }],
    answers: found
      ? [
          { type: "CNAME", name: "www.example.com", ttl: 60, data: "web.example.com" },
          { type: "A", name: "web.example.com", ttl: 30, data: "192.0.2.80" },
        ]
      : [],
  });
}
