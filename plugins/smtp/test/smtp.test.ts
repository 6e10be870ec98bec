/** The smtp checker and a real OpenSMTPD: healthy, hung, stopped; and small servers that answer wrongly. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { becomes, freePort, noIPv6, serve, temporaryFolder, withProject } from "../../testing.ts";

const SMTPD = "/usr/sbin/smtpd";
const noServer = !existsSync(SMTPD)
  ? "opensmtpd is not installed"
  : process.getuid?.() === 0
    ? false
    : "needs root: OpenSMTPD does";

const check = (name: string, port: number, options: object = {}, address = "127.0.0.1"): string =>
  `${name}: { plugin: "@karuntime/smtp", target: "${address}:${port}", interval: "100ms", timeout: "600ms", options: ${JSON.stringify(options)} },`;

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
        ${check("web", await answering("HTTP/1.1 400 Bad Request\r\n", ""))}
        ${check("slow", await answering("220 x\r\n", "250 x\r\n", 1500))}
        ${check("closed", await freePort())}
      },`,
      async (project) => {
        await becomes(project, "busy", "down", /^the connection is answered with 554 too busy$/);
        await becomes(project, "strict", "down", /^EHLO is answered with 550 not you$/);
        await becomes(project, "stubborn", "down", /^QUIT is answered with 250 ok$/);
        await becomes(project, "web", "down", /found "HTTP\/1\.1 400 .*expected a reply of SMTP/);
        await becomes(project, "slow", "timed out");
        await becomes(project, "closed", "down", /the connection is refused/);
      },
    );
  });

  describe("and OpenSMTPD", { skip: noServer }, () => {
    const folder = temporaryFolder();
    let server: ReturnType<typeof serve>;
    let port: number;
    let tlsPort: number;

    before(async () => {
      [port, tlsPort] = [await freePort(), await freePort()];
      const [key, certificate] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
      const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
      execFileSync(
        "openssl",
        [
          ...request.split(" "),
          "-subj",
          "/CN=mail.example.test",
          "-keyout",
          key,
          "-out",
          certificate,
        ],
        { stdio: "ignore" },
      );
      const configuration = join(folder.path, "smtpd.conf");
      writeFileSync(
        configuration,
        `pki test cert "${certificate}"
pki test key "${key}"
listen on 127.0.0.1 port ${port} hostname mail.example.test
${noIPv6 === false ? `listen on ::1 port ${port}` : ""}
listen on 127.0.0.1 port ${tlsPort} tls pki test hostname mail.example.test
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
          ${check("tls", tlsPort, { starttls: true })}
          ${check("noTls", port, { starttls: true })}
          ${noIPv6 === false ? check("ipv6", port, {}, "[::1]") : ""}
        },`,
        async (project) => {
          await becomes(project, "plain", "up");
          await becomes(project, "tls", "up");
          await becomes(project, "noTls", "down", /^it does not offer STARTTLS$/);
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
