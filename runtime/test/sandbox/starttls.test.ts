/** Connections that begin without TLS, what is expected on them, and the forms in which a place may be named. */
import assert from "node:assert/strict";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { TLSSocket, createSecureContext } from "node:tls";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { Authority, Issued } from "./certificates.ts";
import { createAuthority } from "./certificates.ts";
import type { TestHost } from "./host.ts";
import { startHost } from "./host.ts";

describe("a plugin that agrees on TLS first", () => {
  let host: TestHost;
  let authority: Authority;
  let issued: Issued;
  let port = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write("220 ready\r\n");
    socket.once("data", (said) => {
      const command = said.toString().trim();
      if (command !== "STARTTLS" && command !== "INJECT") return void socket.end("500 what\r\n");
      socket.write(command === "INJECT" ? "220 go\r\n250 forged before TLS\r\n" : "220 go\r\n");
      const secured = new TLSSocket(socket, {
        isServer: true,
        secureContext: createSecureContext(issued),
      });
      secured.on("error", () => undefined);
      secured.on("data", (text: Buffer) => secured.write(`250 within TLS: ${text.toString()}`));
    });
  });

  before(async () => {
    authority = createAuthority("a test's own");
    issued = authority.issue("DNS:mail.example.test");
    host = await startHost();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(async () => {
    host.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    await stopBundler();
  });

  const judge = (body: string): Promise<string> =>
    host.judge(
      `const plain = await connect({ hostname: "127.0.0.1", port: ${port} }, { secureTransport: "starttls" });
      ${body}`,
      JSON.stringify({ net: [`127.0.0.1:${port}`] }),
    );
  const trusted = (): string =>
    JSON.stringify({ ca: authority.ca, serverName: "mail.example.test" });

  test("speaks it from then on, with the server that it was promised", async () => {
    const said = await judge(`
      await plain.expect("220 ready\\r\\n");
      await plain.write("STARTTLS\\r\\n");
      await plain.expect(new TextEncoder().encode("220 go\\r\\n"));
      const secure = await plain.startTls(${trusted()});
      await secure.write("EHLO\\r\\n");
      return down(plain.certificate + " " + secure.certificate?.names + " " + (await secure.readUntil("\\r\\n")).trim());`);
    assert.equal(said, "null DNS:mail.example.test 250 within TLS: EHLO");
  });

  test("is not deceived by another's certificate, or by what was said before TLS", async () => {
    const begin = (command: string): string =>
      `await plain.readUntil("\\r\\n"); await plain.write("${command}\\r\\n"); await plain.readUntil("\\r\\n");`;
    assert.match(
      await judge(
        `${begin("STARTTLS")} await plain.startTls({ serverName: "mail.example.test" });`,
      ),
      /connect: TLS: .*(?:issuer|verify|self-signed)/i,
    );
    assert.match(
      await judge(
        `${begin("INJECT")} await new Promise((done) => setTimeout(done, 50)); await plain.startTls(${trusted()});`,
      ),
      /the other side said more before TLS than was read/,
    );
    assert.match(
      await judge(
        `${begin("STARTTLS")} await plain.startTls(${trusted()}); await plain.startTls(${trusted()});`,
      ),
      /speaks TLS already/,
    );
  });

  test("is told what came instead of what it expected", async () => {
    assert.match(
      await judge('await plain.expect("221 ready");'),
      /connect: expected "221 ready", but "220 ready\\r\\n" came/,
    );
    assert.match(
      await judge(
        'await plain.expect("220 ready\\r\\n"); await plain.write("NOOP\\r\\n"); await plain.expect("500 what\\r\\nbye");',
      ),
      /expected "500 what\\r\\nbye", but "500 what\\r\\n" came/,
    );
  });
});
