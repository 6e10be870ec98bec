/** The checker against HAProxy: with servers that go and come, behind a password, hung, and stopped. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Use } from "../../cases.ts";
import { createServers, judgeCases, watchCase } from "../../cases.ts";
import { listening } from "../../nginx/test/server.ts";
import { freePort } from "../../testing.ts";

const HAPROXY = "/usr/sbin/haproxy";
const PASSWORD = "open sesame";
const secrets = `secrets: { stats: ${JSON.stringify(PASSWORD)} },`;

describe(
  "the haproxy checker",
  {
    skip: existsSync(HAPROXY) ? false : `${HAPROXY} is not installed`,
  },
  () => {
    const strangers = createServers();
    let folder = "";
    let haproxy: ChildProcess;
    const ports = { open: 0, closed: 0, a: 0, b: 0 };
    let a: Server;
    let b: Server;

    async function serve(port: number): Promise<Server> {
      const server = createServer((_, response) => void response.end("ok"));
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      return server;
    }
    function end(server: Server): Promise<unknown> {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "karuntime-haproxy-"));
      for (const name of ["open", "closed", "a", "b"] as const) ports[name] = await freePort();
      writeFileSync(
        join(folder, "haproxy.cfg"),
        `defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout check 2s
frontend stats
  bind 127.0.0.1:${ports.open}
  stats enable
  stats uri /
frontend guarded
  bind 127.0.0.1:${ports.closed}
  stats enable
  stats uri /haproxy?stats
  stats auth monitor:${PASSWORD.replaceAll(" ", "\\ ")}
backend web
  default-server check inter 50ms fall 1 rise 1
  option httpchk GET /
  server a 127.0.0.1:${ports.a}
  server b 127.0.0.1:${ports.b}
backend unchecked
  server a 127.0.0.1:${ports.a}
`,
      );
      a = await serve(ports.a);
      b = await serve(ports.b);
      await start();
    });
    after(async () => {
      strangers.close();
      await stop();
      await end(a);
      if (b.listening) await end(b);
      rmSync(folder, { recursive: true, force: true });
    });

    async function start(): Promise<void> {
      haproxy = spawn(HAPROXY, ["-db", "-f", join(folder, "haproxy.cfg")], { stdio: "ignore" });
      await listening(ports.open);
    }
    async function stop(): Promise<void> {
      const exit = new Promise((resolve) => haproxy.once("exit", resolve));
      if (haproxy.exitCode !== null || haproxy.signalCode !== null) return;
      haproxy.kill("SIGKILL");
      await exit;
    }

    function use(options: Readonly<Record<string, unknown>> = {}, port = ports.open): Use {
      const { passwordSecret } = options;
      return {
        plugin: "@karuntime/haproxy",
        target: `127.0.0.1:${port}`,
        options: { backend: "web", timeoutMs: 3000, ...options },
        grant: {
          metrics: true,
          ...(passwordSecret === undefined ? {} : { secrets: [passwordSecret] }),
        },
      };
    }

    test("finds enough servers, also behind a password", () => {
      const guarded = { path: "/haproxy?stats;csv", user: "monitor" };
      return judgeCases(
        {
          two: [use({ minUp: 2 }), ""],
          unchecked: [use({ backend: "unchecked" }), ""],
          guarded: [use({ ...guarded, passwordSecret: "stats" }, ports.closed), ""],
          wrong: [use(guarded, ports.closed), "/haproxy?stats;csv answered 401"],
        },
        secrets,
      );
    });

    test("tells what is wrong", async () => {
      const page = await strangers.listen((socket) =>
        socket.end("HTTP/1.0 200 OK\r\n\r\n<html>Welcome!</html>"),
      );
      const silent = await strangers.listen(() => undefined);
      await judgeCases({
        few: [use({ minUp: 3 }), "2 servers of web are up, expected 3 or more: a UP, b UP"],
        name: [use({ backend: "mail" }), "HAProxy has no backend mail; it has web, unchecked"],
        page: [use({}, page), /^these are no statistics of HAProxy: "<html>Welcome!/],
        silent: [use({ timeoutMs: 300 }, silent), "no answer within 300 ms"],
        nobody: [use({}, await freePort()), /: the connection is refused$/],
      });
    });

    test("follows servers that go and come, and publishes how many there are", () =>
      watchCase(use({ minUp: 2 }), async (becomes, project) => {
        await becomes("up");
        await end(b);
        assert.match((await becomes("down")).reason, /^1 servers of web .*: a UP, b DOWN/);
        const { metrics } = await project.report("watched");
        const published = metrics.map(({ name, labels, value }) => [
          name,
          labels["backend"],
          value,
        ]);
        assert.deepEqual(published, [
          ["haproxy_servers", "web", 2],
          ["haproxy_servers_up", "web", 1],
          ["haproxy_sessions", "web", 0],
        ]);
        b = await serve(ports.b);
        await becomes("up");
      }));

    test("sees HAProxy itself hang, come back and stop", () =>
      watchCase(use({ timeoutMs: 300 }), async (becomes) => {
        await becomes("up");
        haproxy.kill("SIGSTOP");
        assert.equal((await becomes("down")).reason, "no answer within 300 ms");
        haproxy.kill("SIGCONT");
        await becomes("up");
        await stop();
        assert.match((await becomes("down")).reason, /: the connection is refused$/);
      }));
  },
);
