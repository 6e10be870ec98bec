/** `fetch` to an address of its own, and TLS of `fetch` and `connect`: authorities, client certificates, names. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createSecureServer as createHttp2Server } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { stopBundler } from "../../dist/plugins/bundle.js";
import { createAuthority } from "./certificates.ts";
import type { TestHost } from "./host.ts";
import { startHost } from "./host.ts";

const NAME = "web.example.test";

describe("a plugin that names the address", () => {
  let host: TestHost;
  let port = 0;
  let port6 = 0;
  const server = createServer((request, response) => {
    if (request.url === "/away") response.writeHead(302, { location: "http://127.0.0.2:1/" });
    if (request.url === "/home")
      response.writeHead(302, { location: `http://127.0.0.1:${port}/headers` });
    if (request.url === "/self") response.writeHead(302, { location: "/headers" });
    const { host: asked, authorization = "none" } = request.headers;
    response.end(`${asked} ${authorization}`);
  });
  const server6 = createServer((_, response) => void response.end("over IPv6"));

  before(async () => {
    host = await startHost();
    port = await listen(server);
    port6 = await listen(server6, "::1");
  });
  after(async () => {
    host.stop();
    server.close();
    server6.close();
    await stopBundler();
  });

  const get = (url: string, init: object, net: readonly string[]): Promise<string> =>
    host.judge(
      `const response = await fetch(${JSON.stringify(url)}, ${JSON.stringify(init)});
      return down(response.status + " " + (await response.text()));`,
      JSON.stringify({ net }),
    );

  test("connects there, and the URL's host is only what is asked for", async () => {
    const net = [`127.0.0.1:${port}`];
    const url = `http://${NAME}:${port}/`;
    assert.equal(await get(url, { address: "127.0.0.1" }, net), `200 ${NAME}:${port} none`);
    const elsewhere = { address: `127.0.0.1:${port}`, headers: { host: "www.example.com" } };
    assert.equal(await get(`http://${NAME}/`, elsewhere, net), "200 www.example.com none");
  });

  test("may write an IPv6 address with or without brackets, in any spelling", async () => {
    const net = [`[0:0::1]:${port6}`];
    for (const address of ["[::1]", "::1", `[::1]:${port6}`, "0:0:0::0:1"])
      assert.equal(await get(`http://${NAME}:${port6}/`, { address }, net), "200 over IPv6");
  });

  test("reaches only what is granted, under whatever spelling", async () => {
    const net = [`127.0.0.1:${port}`, `${NAME}:${port}`];
    const url = `http://${NAME}:${port}/`;
    for (const address of ["127.0.0.2", `127.0.0.1:${port6}`, "[::1]", "::ffff:127.0.0.2"])
      assert.match(
        await get(url, { address }, net),
        /^not permitted: to connect to .*, add it to the plugin: permissions: \{ net: \[/,
        address,
      );
    for (const address of ["::ffff:127.0.0.1", `[::ffff:7f00:1]:${port}`])
      assert.match(await get(url, { address }, net), /^200 /, address);
    for (const address of [
      "127.1",
      "0x7f000001",
      "2130706433",
      "0177.0.0.1",
      NAME,
      "",
      "fe80::1%lo",
    ])
      assert.match(
        await get(url, { address }, net),
        /^fetch: found the address ".*", expected one such as/,
        address,
      );
  });

  test("is not led further than the URLs of redirects are granted", async () => {
    const net = [`127.0.0.1:${port}`];
    const start = (path: string): Promise<string> =>
      get(`http://${NAME}:${port}${path}`, { address: "127.0.0.1" }, net);
    assert.match(await start("/away"), /^not permitted: to connect to 127\.0\.0\.2:1, /);
    assert.match(
      await start("/self"),
      new RegExp(`^not permitted: to connect to ${NAME}:${port}, `),
    );
    assert.equal(await start("/home"), `200 127.0.0.1:${port} none`);
  });

  test("does not show its password to whom it is redirected", async () => {
    const net = [`127.0.0.1:${port}`, `localhost:${port}`];
    const headers = { authorization: "Basic x" };
    assert.equal(
      await get(`http://localhost:${port}/home`, { headers }, net),
      `200 127.0.0.1:${port} none`,
    );
    assert.equal(
      await get(`http://127.0.0.1:${port}/home`, { headers }, net),
      `200 127.0.0.1:${port} Basic x`,
    );
    assert.equal(
      await get(`http://localhost:${port}/self`, { headers, address: "127.0.0.1" }, net),
      `200 localhost:${port} none`,
    );
  });
});

describe("a plugin that speaks TLS", () => {
  const authority = createAuthority("Test Authority");
  const other = createAuthority("Another Authority");
  const client = authority.issue("DNS:client.example.test");
  let host: TestHost;
  let port = 0;
  let strictPort = 0;
  const servers: Server[] = [];

  before(async () => {
    host = await startHost();
    const answer = (request: { readonly socket: unknown }): string => {
      const socket = request.socket as TLSSocket;
      const peer = socket.getPeerCertificate();
      return `${String(socket.servername)} ${String(peer.subject?.CN ?? "nobody")}`;
    };
    const own = authority.issue(`DNS:${NAME}`);
    const open = createSecureServer({ ...own, maxVersion: "TLSv1.2" }, (request, response) =>
      response.end(answer(request)),
    );
    const strict = createSecureServer(
      { ...own, ca: authority.ca, requestCert: true, rejectUnauthorized: true },
      (request, response) => response.end(answer(request)),
    );
    servers.push(open, strict);
    port = await listen(open);
    strictPort = await listen(strict);
  });
  after(async () => {
    host.stop();
    for (const server of servers) server.close();
    await stopBundler();
  });

  const get = (tls: object | undefined, at = port, name = NAME): Promise<string> =>
    host.judge(
      `const init = { address: "127.0.0.1", tls: ${JSON.stringify(tls)} } as const;
      const response = await fetch("https://${name}:${at}/", init);
      const { subject, issuer, trusted } = response.certificate!;
      return down([await response.text(), subject, issuer, trusted].join("; "));`,
      JSON.stringify({ net: [`127.0.0.1:${at}`] }),
    );
  const connect = (tls: object | true, at = port): Promise<string> =>
    host.judge(
      `const { certificate } = await connect("127.0.0.1:${at}", { tls: ${JSON.stringify(tls)} });
      return down(certificate!.subject + "; " + certificate!.trusted);`,
      JSON.stringify({ net: [`127.0.0.1:${at}`] }),
    );
  const { ca } = authority;

  test("trusts the authority that it names, and is told the certificate", async () => {
    const told = `${NAME} nobody; ${NAME}; Test Authority; true`;
    assert.equal(await get({ ca }), told);
    assert.equal(await connect({ ca, serverName: NAME }), `${NAME}; true`);
  });

  test("trusts no other, unless it is told to look only", async () => {
    const distrusted = /:\d+: unable to verify the first certificate \(/;
    for (const tls of [undefined, {}, { ca: other.ca }]) {
      assert.match(await get(tls), distrusted);
      assert.match(await connect({ ...tls, serverName: NAME }), distrusted);
    }
    assert.match(await get({ verify: false }), /; false$/);
    assert.equal(await connect({ verify: false }), `${NAME}; false`);
  });

  test("wants the server's name to be right", async () => {
    const wrong = /does not match certificate's altnames/;
    assert.match(await get({ ca }, port, "www.example.test"), wrong);
    assert.match(await get({ ca, serverName: "www.example.test" }), wrong);
    assert.match(await connect({ ca }), /IP: 127\.0\.0\.1 is not in the cert's list/);
    assert.match(
      await get({ ca, serverName: NAME }, port, "www.example.test"),
      new RegExp(`^${NAME} nobody; .*; true$`),
    );
  });

  test("shows a certificate of its own where one is demanded", async () => {
    const own = { ca, certificate: client.cert, key: client.key };
    assert.match(await get(own, strictPort), /^\S+ client\.example\.test; .*; true$/);
    // The server's alert and its end come together.
    assert.match(
      await get({ ca }, strictPort),
      /^[^;]*(?:alert certificate required|other side closed)/,
    );
    const strange = other.issue("DNS:client.example.test");
    const refused = await get({ ca, certificate: strange.cert, key: strange.key }, strictPort);
    assert.match(refused, /^[^;]*(?:alert unknown ca|other side closed)/);
  });

  test("shows it to whomever it connects to as well", async () => {
    const ask = (tls: object): Promise<string> =>
      host.judge(
        `const connection = await connect("127.0.0.1:${strictPort}", { tls: ${JSON.stringify(tls)} });
        await connection.write("GET / HTTP/1.0\\r\\n\\r\\n");
        await connection.readUntil("\\r\\n\\r\\n");
        return down(String.fromCharCode(...(await connection.read()) ?? []));`,
        JSON.stringify({ net: [`127.0.0.1:${strictPort}`] }),
      );
    const known = { ca, serverName: NAME };
    assert.equal(
      await ask({ ...known, certificate: client.cert, key: client.key }),
      `${NAME} client.example.test`,
    );
    assert.match(
      await ask(known),
      /^connect: (?:TLS: .* alert certificate required|the other side broke the connection off|the connection is closed)/,
    );
  });

  test("speaks HTTP/2 where the server wants it", async () => {
    const modern = createHttp2Server({ ...authority.issue(`DNS:${NAME}`), allowHTTP1: false });
    modern.on("stream", (stream, headers) => {
      stream.respond({ ":status": 200 });
      stream.end(`${String(headers[":authority"])} over HTTP/2`);
    });
    servers.push(modern);
    const at = await listen(modern);
    assert.equal(await get({ ca }, at), `${NAME}:${at} over HTTP/2; ${NAME}; Test Authority; true`);
  });

  test("may insist on a version", async () => {
    assert.match(await get({ ca, minVersion: "TLSv1.2" }), /true$/);
    assert.match(
      await get({ ca, minVersion: "TLSv1.3" }),
      /^fetch: 127\.0\.0\.1:\d+: TLS: .*alert protocol version \(/,
    );
  });

  test("is told what is wrong with what it says", async () => {
    assert.match(await get({ minVersion: "SSLv3" }), /^fetch: tls\.minVersion: found "SSLv3"/);
    assert.match(await get({ ca: "-----BEGIN" }), /^fetch: tls: expected ca, .* in PEM/);
    assert.match(await get({ key: client.key }), /certificate and tls\.key are needed together/);
    assert.match(
      await connect({ certificate: client.cert, key: other.issue("DNS:x").key }),
      /^connect: tls: expected ca, certificate and key in PEM, and the key of that certificate/,
    );
    assert.match(
      await get({ ca: ca.padEnd(64 * 1024 + 1) }),
      /^fetch: tls\.ca: expected a text of at most 65536 characters/,
    );
  });
});

async function listen(server: Server, address = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return (server.address() as AddressInfo).port;
}
