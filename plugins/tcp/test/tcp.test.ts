/** The checker against a process that is stopped and continued, and against servers that answer in their own ways. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, chmodSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Use } from "../../cases.ts";
import { createServers, judgeCases, watchCase } from "../../cases.ts";
import { createAuthority } from "../../../runtime/test/sandbox/certificates.ts";
import { createNginx, listening, withoutNginx } from "../../nginx/test/server.ts";
import { freePort, serve } from "../../testing.ts";

function use(port: number, options: object = {}): Use {
  const target = `127.0.0.1:${port}`;
  return { plugin: "@karuntime/tcp", target, options: { timeoutMs: 3000, ...options } };
}

describe("the tcp checker", () => {
  const servers = createServers();
  after(() => servers.close());

  test("likes a server that takes connections, and answers as expected", async () => {
    const port = await servers.listen((socket) => {
      socket.write("220 mail.example.com ");
      socket.on("data", (data) => void answer(data.toString("latin1")));
      async function answer(text: string): Promise<void> {
        socket.write("250 you said ");
        await sleep(20);
        socket.write(Buffer.from(JSON.stringify(text)));
      }
    });
    await judgeCases({
      connect: [use(port), ""],
      banner: [use(port, { expect: "^220 " }), ""],
      answer: [
        use(port, { send: "HELO \\xe9\\r\\n", expect: 'said "HELO \\u00e9\\\\r\\\\n"$' }),
        "",
      ],
    });
  });

  test("tells what went wrong", async () => {
    const wrong = await servers.listen((socket) => socket.write("500 what?"));
    const silent = await servers.listen(() => undefined);
    const ending = await servers.listen((socket) => socket.end("421 too busy"));
    const breaking = await servers.listen((socket) => socket.resetAndDestroy());
    const endless = await servers.listen((socket) => socket.write("x".repeat(200_000)));
    await judgeCases({
      nobody: [use(await freePort()), /^connect: 127\.0\.0\.1:\d+: the connection is refused$/],
      wrong: [
        use(wrong, { expect: "^2", timeoutMs: 200 }),
        'it took longer than 200 ms; found "500 what?", expected /^2/',
      ],
      silent: [use(silent, { expect: "^2", timeoutMs: 200 }), "it took longer than 200 ms"],
      ending: [
        use(ending, { expect: "^2" }),
        'the other side ended the connection; found "421 too busy", expected /^2/',
      ],
      breaking: [
        use(breaking, { expect: "^2" }),
        /^connect: (?:127\.0\.0\.1:\d+: )?the other side broke the connection off$/,
      ],
      endless: [use(endless, { expect: "y" }), /^\d+ characters came; found "x+", expected \/y\/$/],
      option: [use(wrong, { send: "\\q" }), /^send: found "\\\\q", expected one of/],
    });
  });

  test("talks over TLS, and shows a certificate of its own", async () => {
    const folder = mkdtempSync(join(tmpdir(), "karuntime-tcp-"));
    chmodSync(folder, 0o755);
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const authority = createAuthority("Test Authority");
    const [server, client] = [authority.issue("DNS:a.example.test"), authority.issue("DNS:lb1")];
    const ca = file("ca.pem", authority.ca);
    const certificate = file("client.pem", client.cert);
    const pair = ["-cert", file("server.pem", server.cert), "-key", file("key", server.key)];
    const port = await freePort();
    // It sends each line back, reversed.
    const options = `-accept 127.0.0.1:${port} -rev -quiet -Verify 1 -verify_return_error`;
    const reversing = serve(["openssl", "s_server", ...options.split(" "), ...pair, "-CAfile", ca]);
    try {
      await listening(port);
      const ask = {
        send: "some text\\n",
        expect: "^txet emos",
        tls: true,
        ca,
        serverName: "a.example.test",
      };
      const shown = { certificate, keySecret: "key" };
      const judged = (changes: object): Use => ({
        ...use(port, { ...ask, ...changes }),
        grant: { files: [ca, certificate], secrets: ["key"] },
      });
      await judgeCases(
        {
          shown: [judged(shown), ""],
          none: [judged({}), /certificate required/],
          name: [judged({ ...shown, serverName: "b" }), /does not match certificate's altnames/],
          untrusted: [judged({ ...shown, ca: "" }), /self-signed certificate|unable to verify/],
          unverified: [judged({ ...shown, ca: "", verify: false }), ""],
          plain: [judged({ tls: false }), /ended the connection|broke the connection off/],
        },
        `secrets: { key: ${JSON.stringify(client.key)} },`,
      );
    } finally {
      await reversing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("sees a server hang, come back and stop", { skip: withoutNginx }, async () => {
    const nginx = await createNginx((port) => `server { listen 127.0.0.1:${port}; return 204; }`);
    const ask = { send: "GET / HTTP/1.0\\r\\n\\r\\n", expect: "^HTTP/1.1 204 ", timeoutMs: 300 };
    try {
      await nginx.start();
      await watchCase(use(nginx.port, ask), async (becomes) => {
        await becomes("up");
        nginx.pause();
        assert.equal((await becomes("down")).reason, "it took longer than 300 ms");
        nginx.resume();
        await becomes("up");
        await nginx.stop();
        assert.match((await becomes("down")).reason, /: the connection is refused$/);
      });
    } finally {
      await nginx.remove();
    }
  });
});
