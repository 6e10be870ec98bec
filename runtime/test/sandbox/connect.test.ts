/** Connections over TCP and TLS: to where it was granted, and no longer than the invocation. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { startHost } from "./host.ts";

const LARGE = 1024 * 1024;

describe("a plugin that connects", () => {
  let host: TestHost;
  let server: Server;
  let tlsServer: Server;
  let port: number;
  let tlsPort: number;
  const open = new Set<Socket>();
  let folder: string;

  /** Answers lines in the manner of a small database. */
  function serve(socket: Socket): void {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      const line = data.toString("utf8");
      if (line.startsWith("PING")) socket.write("+PONG\r\nrest");
      else if (line.startsWith("ECHO ")) socket.write(data.subarray(5));
      else if (line.startsWith("LARGE")) socket.write("x".repeat(LARGE), () => socket.end());
      else if (line.startsWith("QUIT")) socket.end("+bye");
    });
  }

  before(async () => {
    host = await startHost();
    folder = mkdtempSync(join(tmpdir(), "karuntime-connect-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=web.example.test",
        "-addext",
        "subjectAltName=DNS:web.example.test",
        "-keyout",
        key,
        "-out",
        cert,
      ],
      { stdio: "ignore" },
    );
    server = createServer(serve);
    tlsServer = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, serve);
    for (const each of [server, tlsServer])
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
    tlsPort = (tlsServer.address() as AddressInfo).port;
  });
  after(async () => {
    host.stop();
    for (const socket of open) socket.destroy();
    server.close();
    tlsServer.close();
    rmSync(folder, { recursive: true, force: true });
    await stopBundler();
  });

  const run = (body: string, net: string) => host.judge(body, `{ net: [${JSON.stringify(net)}] }`);
  const here = (): string => `127.0.0.1:${port}`;

  test("reads up to a delimiter, and what is left afterwards", async () => {
    const body = `
      const connection = await connect("${here()}");
      await connection.write("PING\\r\\n");
      const answer = await connection.readUntil("\\r\\n");
      if (answer !== "+PONG\\r\\n") return down(JSON.stringify(answer));
      const rest = await connection.read();
      return down(String.fromCharCode(...rest));`;
    assert.equal(await run(body, here()), "rest");
  });

  test("sends and receives every byte as it is, and text as UTF-8", async () => {
    const body = `
      const connection = await connect("${here()}");
      const bytes = new Uint8Array(256).map((_, index) => index);
      await connection.write(new Uint8Array([...[69, 67, 72, 79, 32], ...bytes]));
      const got = [];
      while (got.length < 256) got.push(...(await connection.read()));
      if (got.some((byte, index) => byte !== index)) return down(got.join());
      await connection.write("ECHO größe €\\n");
      return down(await connection.readUntil("\\n"));`;
    assert.equal((await run(body, here())).trim(), "größe €");
  });

  test("sees the end of a connection", async () => {
    const body = `
      const connection = await connect("${here()}");
      await connection.write("QUIT");
      const last = await connection.read();
      return down(String.fromCharCode(...last) + " " + (await connection.read()));`;
    assert.equal(await run(body, here()), "+bye null");
    const waiting = `
      const connection = await connect("${here()}");
      await connection.write("QUIT");
      await connection.readUntil("never");`;
    assert.match(
      await run(waiting, here()),
      /closed the connection before "never" came.*check\d+\.ts:\d+/s,
    );
  });

  test("reads what is larger than the buffer, in bounded pieces", async () => {
    const body = `
      const connection = await connect("${here()}");
      await connection.write("LARGE");
      let total = 0, largest = 0;
      for (let bytes; (bytes = await connection.read()) !== null; ) {
        total += bytes.length;
        largest = Math.max(largest, bytes.length);
      }
      return down(total + " " + (largest <= 65536));`;
    assert.equal(await run(body, here()), `${LARGE} true`);
    const endless = `
      const connection = await connect("${here()}");
      await connection.write("LARGE");
      await connection.readUntil("y");`;
    assert.match(await run(endless, here()), /65536 bytes came without "y"/);
  });

  test("connects to nothing that it was not granted", async () => {
    assert.match(
      await run(`await connect("127.0.0.1:${tlsPort}");`, here()),
      /not permitted: to connect to 127\.0\.0\.1:\d+, add it to the plugin/,
    );
    assert.equal(
      await run(`await connect("nonsense");`, here()).then(firstLine),
      'connect: found "nonsense", expected "host:port"',
    );
  });

  test("says that a connection is refused", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const closed = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
    await new Promise((resolve) => probe.close(resolve));
    assert.match(
      await run(`await connect("${closed}");`, closed),
      new RegExp(`${closed.replaceAll(".", "\\.")}: the connection is refused`),
    );
  });

  test("opens eight connections at a time, and all end with the invocation", async () => {
    const body = `
      for (let count = 0; count < 8; count++) await connect("${here()}");
      try { await connect("${here()}"); } catch (error) { return down(error.message); }`;
    assert.match(await run(body, here()), /more than 8 connections at a time/);
    await host.waitFor("the connections to end", () => (open.size === 0 ? true : undefined));
  });

  test("a connection that was closed gives nothing more", async () => {
    const body = `
      const connection = await connect("${here()}");
      connection.close();
      await connection.read();`;
    assert.match(await run(body, here()), /the connection is closed/);
  });

  test("over TLS, refuses a certificate that nobody known signed, unless it is told to look only", async () => {
    const there = `127.0.0.1:${tlsPort}`;
    assert.match(await run(`await connect("${there}", { tls: true });`, there), /self-signed/);
    const body = `
      const connection = await connect("${there}", { tls: { serverName: "web.example.test", verify: false } });
      const { subject, names, trusted, validToMs } = connection.certificate;
      await connection.write("PING");
      await connection.readUntil("\\r\\n");
      return down([subject, names, trusted, Math.round((validToMs - Date.now()) / 86400000)].join(" "));`;
    assert.equal(await run(body, there), "web.example.test DNS:web.example.test false 30");
  });
});

function firstLine(text: string): string {
  return text.split(/ \(|\n/)[0] ?? "";
}
