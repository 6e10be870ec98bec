/** The mail notifier and a mail server: what arrives, and what becomes of it while there is no server. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, tell, tellDown, withProject } from "../../testing.ts";

const SERVER = fileURLToPath(
  new URL("../../../runtime/test/commands/smtp-server.ts", import.meta.url),
);

/** A mail server, and the messages that it takes: their lines. */
async function serveMail(port: number) {
  const child = spawn(process.execPath, [SERVER, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    next: async (): Promise<readonly string[]> =>
      JSON.parse((await lines.next()).value ?? "[]") as readonly string[],
    async stop(): Promise<void> {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

const parts = (port: number, options: object): string => `
  mail: { server: "127.0.0.1", port: ${port}, from: "karuntime@example.com", to: ["ops@example.com"] },
  notify: [{ plugin: "@karuntime/mail", grant: { mail: true }, options: ${JSON.stringify(options)} }],`;

describe("the mail notifier", () => {
  test("sends one mail for each event, worded as configured", async () => {
    const port = await freePort();
    const server = await serveMail(port);
    try {
      await withProject(parts(port, {}), async (project) => {
        await tell(project, "master");
        const mail = (await server.next()).join("\n");
        assert.match(mail, /^To: ops@example\.com$/m);
        assert.ok(mail.includes(`Subject: ${hostname()}: VI_1 is master\n`), mail);
        const unfolded = mail.replaceAll("=\n", "");
        assert.ok(
          unfolded.includes(
            `2026-01-31T12:00:00.000Z: master. The virtual-router VI_1 on ${hostname()} is master, its priority 120.`,
          ),
          mail,
        );
      });
      await withProject(parts(port, {}), async (project) => {
        const down = tellDown(project);
        const first = (await server.next()).join("\n").replaceAll("=\n", "");
        const second = (await server.next()).join("\n").replaceAll("=\n", "");
        await down;
        assert.ok(first.includes(`Subject: ${hostname()}: 192.0.2.11:80 is down\n`), first);
        assert.match(first, /is down, its weight for web 1: it answered 503\./);
        assert.match(
          second,
          /The virtual-server web on \S+ is down, the weight that is up 0 of 1\./,
        );
      });
      const worded = { subject: "[{event}] {name}", text: "number {sequence}, {unknown}" };
      await withProject(parts(port, worded), async (project) => {
        await tell(project, "contended", 7);
        const mail = (await server.next()).join("\n");
        assert.match(mail, /^Subject: \[contended\] VI_1$/m);
        assert.match(mail, /^number 7, \{unknown\}$/m);
      });
    } finally {
      await server.stop();
    }
  });

  test("fails while nobody takes the mail, so that the event comes again", async () => {
    const port = await freePort();
    await withProject(parts(port, {}), async (project) => {
      const told = tell(project, "backup");
      await project.waitFor("a second attempt", () =>
        project.lines.find(({ message }) => message === "a notifier failed and is told again"),
      );
      const server = await serveMail(port);
      try {
        await told;
        assert.match((await server.next()).join("\n"), /VI_1 is backup/);
      } finally {
        await server.stop();
      }
    });
  });
});
