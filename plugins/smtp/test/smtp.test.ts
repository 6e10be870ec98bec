/**
 * The smtp checker and a real OpenSMTPD: healthy, hung, stopped; the server of npm's smtp-server over TLS, which Debian 12's
 * OpenSMTPD cannot since OpenSSL 3; and small servers that answer wrongly.
 */
import { once } from "node:events";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SMTPServer } from "smtp-server";
import { createAuthority } from "../../../runtime/test/sandbox/certificates.ts";
import { becomes, freePort, noIPv6, serve, temporaryFolder, withProject } from "../../testing.ts";

const SMTPD = "/usr/sbin/smtpd";
const noServer = !existsSync(SMTPD)
  ? "opensmtpd is not installed"
  : process.getuid?.() === 0
    ? false
    : "needs root: OpenSMTPD does";

const NAME = "mail.example.test";

interface Options {
  readonly ca?: string;
  readonly certificate?: string;
  readonly keySecret?: string;
  readonly [name: string]: unknown;
}

/** A check, granted what its options need. */
function check(name: string, port: number, options: Options = {}, address = "127.0.0.1"): string {
  const { ca, certificate, keySecret } = options;
  const grant = {
    files: [ca, certificate].filter((file) => file !== undefined),
    secrets: keySecret === undefined ? [] : [keySecret],
  };
  return `${name}: { plugin: "@karuntime/smtp", target: "${address}:${port}", interval: "100ms", timeout: "600ms", options: ${JSON.stringify(options)}, grant: ${JSON.stringify(grant)} },`;
}

describe("the smtp checker", () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  /** A server that says this at once, and this to each line. */
  async function answering(greeting: string, reply: string, delayMs = 0): Promise<number> {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", () => socket.write(reply));
      setTimeout(() => socket.writable && socket.write(greeting), delayMs);
    });
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }
  after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  test("says what is wrong with a server", async () => {
    await withProject(
      `checks: {
        ${check("busy", await answering("554 too busy\r\n", "221 bye\r\n"))}
        ${check("strict", await answering("220 x\r\n", "550 not you\r\n"))}
        ${check("stubborn", await answering("220 x\r\n", "250 ok\r\n"))}
        ${check("noTls", await answering("220 x\r\n", "250 ok\r\n"), { tls: true })}
        ${check("stuffing", await answering("220 x\r\n", "250-x\r\n250 STARTTLS\r\n220 go\r\n250 x\r\n"))}
        ${check("web", await answering("HTTP/1.1 400 Bad Request\r\n", ""))}
        ${check("slow", await answering("220 x\r\n", "250 x\r\n", 1500))}
        ${check("closed", await freePort())}
      },`,
      async (project) => {
        await becomes(project, "busy", "down", /^the connection is answered with 554 too busy$/);
        await becomes(project, "strict", "down", /^EHLO is answered with 550 not you$/);
        await becomes(project, "stubborn", "down", /^QUIT is answered with 250 ok$/);
        await becomes(project, "noTls", "down", /^it does not offer STARTTLS, which options\.tls/);
        await becomes(project, "stuffing", "down", /said more before TLS than was read$/);
        await becomes(project, "web", "down", /found "HTTP\/1\.1 400 .*expected a reply of SMTP/);
        await becomes(project, "slow", "timed out");
        await becomes(project, "closed", "down", /the connection is refused/);
      },
    );
  });

  describe("over TLS", () => {
    const folder = temporaryFolder();
    const authority = createAuthority("Test Authority");
    const [good, expired] = [30, -1].map((days) => authority.issue(`DNS:${NAME}`, days));
    const client = authority.issue("DNS:lb1.example.test");
    const secured: SMTPServer[] = [];
    const [ca, certificate] = [join(folder.path, "ca.pem"), join(folder.path, "client.pem")];

    before(() => {
      chmodSync(folder.path, 0o755);
      writeFileSync(ca, authority.ca);
      writeFileSync(certificate, client.cert);
    });
    after(async () => {
      for (const server of secured) await new Promise<void>((done) => server.close(done));
      folder.remove();
    });

    async function start(options: ConstructorParameters<typeof SMTPServer>[0]): Promise<number> {
      const server = new SMTPServer({ ...good, name: NAME, authOptional: true, ...options });
      server.on("error", () => undefined);
      secured.push(server);
      const { server: listener } = server;
      server.listen(0, "127.0.0.1");
      await once(listener, "listening");
      return (listener.address() as AddressInfo).port;
    }

    test("it wants to know whom it talks to, and to be known", async () => {
      const port = await start({});
      const old = await start({ ...expired });
      const mutual = await start({ ca: authority.ca, requestCert: true, rejectUnauthorized: true });
      const without = await start({ hideSTARTTLS: true });
      const tls = { tls: true, ca, serverName: NAME };
      await withProject(
        `secrets: { key: ${JSON.stringify(client.key)} }, checks: {
          ${check("tls", port, tls)}
          ${check("opportunistic", old)}
          ${check("unverified", old, { tls: true, verify: false })}
          ${check("certificate", mutual, { ...tls, certificate, keySecret: "key" })}
          ${check("plain", without)}
          ${check("otherName", port, { ...tls, serverName: "example.test" })}
          ${check("untrusted", port, { tls: true, serverName: NAME })}
          ${check("expired", old, tls)}
          ${check("noCertificate", mutual, tls)}
          ${check("noTls", without, tls)}
        },`,
        async (project) => {
          for (const name of ["tls", "opportunistic", "unverified", "certificate", "plain"])
            await becomes(project, name, "up");
          for (const [name, reason] of [
            ["otherName", /does not match certificate's altnames/],
            ["untrusted", /unable to verify the first certificate/],
            ["expired", /certificate has expired/],
            ["noCertificate", /certificate required|closed the connection|broke the connection/],
            ["noTls", /^it does not offer STARTTLS, which options\.tls demands/],
          ] as const)
            await becomes(project, name, "down", reason);
        },
      );
    });
  });

  describe("and OpenSMTPD", { skip: noServer }, () => {
    const folder = temporaryFolder();
    let server: ReturnType<typeof serve>;
    let port: number;

    before(async () => {
      port = await freePort();
      const configuration = join(folder.path, "smtpd.conf");
      writeFileSync(
        configuration,
        `listen on 127.0.0.1 port ${port} hostname ${NAME}
${noIPv6 === false ? `listen on ::1 port ${port}` : ""}
action "deliver" mbox
match from local for local action "deliver"
`,
      );
      // Its spool and its socket have fixed places: it gets its own ones there.
      const script = 'mount -t tmpfs none /var/spool && mount -t tmpfs none /run && exec "$@"';
      server = serve(["unshare", "-m", "sh", "-c", script, "sh", SMTPD, "-d", "-f", configuration]);
    });
    after(async () => {
      await server.stop();
      folder.remove();
    });

    test("is up while it works, and not while it hangs or when it has ended", () =>
      withProject(
        `checks: {
          ${check("plain", port, { helo: "lb1.example.test" })}
          ${check("noTls", port, { tls: true })}
          ${noIPv6 === false ? check("ipv6", port, {}, "[::1]") : ""}
        },`,
        async (project) => {
          await becomes(project, "plain", "up");
          await becomes(project, "noTls", "down", /^it does not offer STARTTLS, which options/);
          if (noIPv6 === false) await becomes(project, "ipv6", "up");
          server.signal("SIGSTOP");
          await becomes(project, "plain", "timed out");
          server.signal("SIGCONT");
          await becomes(project, "plain", "up");
          await server.stop();
          await becomes(project, "plain", "down", /the connection is refused/);
        },
      ));
  });
});
