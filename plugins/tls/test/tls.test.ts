/** The checker against TLS servers with good, expiring, expired, foreign and misnamed certificates, and sick ones. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Server } from "node:tls";
import { createServer } from "node:tls";
import { createAuthority } from "../../../runtime/test/sandbox/certificates.ts";
import type { Use } from "../../cases.ts";
import { createServers, judgeCases, watchCase } from "../../cases.ts";
import { createNginx, listening, withoutNginx } from "../../nginx/test/server.ts";
import { freePort, serve as run } from "../../testing.ts";

const NAME = "www.example.test";
const authority = createAuthority("Test Authority");
const good = authority.issue(`DNS:${NAME},DNS:*.example.net`);

describe("the tls checker", () => {
  const plain = createServers();
  const servers: Server[] = [];
  let folder = "";
  let port = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "karuntime-tls-"));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "ca.pem"), authority.ca);
    port = await serve(`DNS:${NAME},DNS:*.example.net`);
  });
  after(() => {
    plain.close();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve(names: string, days = 30): Promise<number> {
    const server = createServer(authority.issue(names, days), (socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  function use(at: number, options: object = {}): Use {
    const ca = join(folder, "ca.pem");
    return {
      plugin: "@karuntime/tls",
      target: `127.0.0.1:${at}`,
      options: { serverName: NAME, ca, timeoutMs: 3000, ...options },
      grant: { files: [ca], metrics: true },
    };
  }

  test("likes a certificate that is trusted, of the name, and lasts", async () =>
    judgeCases({
      plain: [use(port), ""],
      wildcard: [use(port, { serverName: "a.example.net", minVersion: "TLSv1.3" }), ""],
      issuer: [use(port, { issuer: "Test Authority", minDays: 29 }), ""],
      address: [use(await serve("IP:127.0.0.1"), { serverName: "" }), ""],
      unverified: [use(port, { serverName: "", ca: "", verify: false }), ""],
    }));

  test("tells what is wrong with it", async () => {
    const expired = await serve(`DNS:${NAME}`, -1);
    const foreign = createAuthority("Another Authority");
    writeFileSync(join(folder, "foreign.pem"), foreign.ca);
    const otherCa = join(folder, "foreign.pem");
    await judgeCases({
      expired: [use(expired), /^connect: 127\.0\.0\.1:\d+: certificate has expired$/],
      long: [use(expired, { verify: false }), "the certificate expired 1 days ago"],
      soon: [use(port, { minDays: 31 }), /^the certificate expires in (?:29|30) days, expected 31/],
      name: [use(port, { serverName: "example.net" }), /does not match certificate's altnames/],
      address: [use(port, { serverName: "" }), /127\.0\.0\.1 is not in the cert's list/],
      issuer: [
        use(port, { issuer: "R3" }),
        'the certificate is of "Test Authority", expected "R3"',
      ],
      unknown: [use(port, { ca: "" }), /unable to verify the first certificate/],
      foreign: [
        { ...use(port, { ca: otherCa }), grant: { files: [otherCa], metrics: true } },
        /unable to verify the first certificate/,
      ],
    });
  });

  test("is not fooled by a server that refuses, is silent, ends, or speaks without TLS", async () => {
    const silent = await plain.listen(() => undefined);
    const ending = await plain.listen((socket) => socket.end());
    const talking = await plain.listen((socket) => socket.write("220 mail.example.com ESMTP\r\n"));
    await judgeCases({
      nobody: [use(await freePort()), /: the connection is refused$/],
      silent: [use(silent, { timeoutMs: 300 }), "no handshake within 300 ms"],
      ending: [use(ending), /disconnected|broke the connection off/],
      talking: [use(talking), /wrong version number/],
    });
  });

  test("weighs a certificate that expires soon, and publishes its days", async () => {
    const soon = await serve(`DNS:${NAME}`, 10);
    await watchCase(use(soon, { warnWeight: -30 }), async (becomes, project) => {
      assert.equal((await becomes("up")).weight, -30);
      const { metrics } = await project.report("watched");
      assert.equal(metrics[0]?.name, "certificate_days_left");
      assert.ok([9, 10].includes(metrics[0]?.value ?? 0));
    });
    await watchCase(use(port, { warnWeight: -30 }), async (becomes) => {
      assert.equal((await becomes("up")).weight, null);
    });
  });

  test("shows a certificate of its own", async () => {
    const at = await freePort();
    const client = authority.issue("DNS:lb1.example.test");
    const files = { "server.pem": good.cert, "server.key": good.key, "client.pem": client.cert };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    // With TLS 1.3 a client has shaken hands before the server has seen its certificate.
    const words = `-accept 127.0.0.1:${at} -quiet -tls1_2 -Verify 1 -verify_return_error`;
    const [ca, certificate] = [join(folder, "ca.pem"), join(folder, "client.pem")];
    const server = run([
      "openssl",
      "s_server",
      ...words.split(" "),
      "-cert",
      join(folder, "server.pem"),
      "-key",
      join(folder, "server.key"),
      "-CAfile",
      ca,
    ]);
    try {
      await listening(at);
      const shown: Use = {
        ...use(at, { certificate, keySecret: "key" }),
        grant: { files: [ca, certificate], secrets: ["key"], metrics: true },
      };
      await judgeCases(
        { shown: [shown, ""], none: [use(at), /handshake failure|certificate required/] },
        `secrets: { key: ${JSON.stringify(client.key)} },`,
      );
    } finally {
      await server.stop();
    }
  });

  test("sees a server hang, come back and stop", { skip: withoutNginx }, async () => {
    const nginx = await createNginx(
      (at) => `server {
        listen 127.0.0.1:${at} ssl;
        ssl_certificate good.pem; ssl_certificate_key good.key;
        return 204;
      }`,
      { "good.pem": good.cert, "good.key": good.key },
    );
    try {
      await nginx.start();
      await watchCase(use(nginx.port, { timeoutMs: 300 }), async (becomes) => {
        await becomes("up");
        nginx.pause();
        assert.equal((await becomes("down")).reason, "no handshake within 300 ms");
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
