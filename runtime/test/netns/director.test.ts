/** Real servers that go down and come back: what notifiers, commands, pipes and mail are told, by a daemon in the lab. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Host } from "../../../lab/src/host.ts";
import type { HostProcess } from "../../../lab/src/host-process.ts";
import type { Karuntime } from "../../../lab/src/karuntime.ts";
import { startKaruntime } from "../../../lab/src/karuntime.ts";
import { createLab } from "../../../lab/src/lab.ts";
import { ensureLabPrivileges } from "../../../lab/src/privileges.ts";
import { now, waitFor } from "../../../lab/src/time.ts";

const SMTP_SERVER = fileURLToPath(new URL("../commands/smtp-server.ts", import.meta.url));
const WAIT_MS = 20_000;
const skip = process.getuid?.() === 0 ? false : "needs root";

const CHECKER = `import { defineChecker } from "@karuntime/sdk";
export default defineChecker({
  options: { greeting: { type: "string", default: "PING" } },
  async check({ target, connect, options, down }) {
    if (target.virtualService !== "web") return down(\`asked for \${target.virtualService}\`);
    const connection = await connect(\`\${target.address}:\${target.port}\`);
    await connection.write(\`\${options.greeting}\\r\\n\`);
    const answer = await connection.readUntil("\\r\\n");
    if (answer !== "+PONG\\r\\n") return down(\`it answered \${answer.trim()}\`);
  },
});
`;
const NOTIFIER = `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({
  permissions: { exec: [["/bin/sh", "-c", "..."]] },
  async notify(event, { exec }) {
    const { event: happened, subject } = event;
    const weight = "weight" in event ? event.weight : "";
    await exec(["/bin/sh", "-c", \`echo "\${happened} \${subject.name} \${weight}" >>/run/heard\`]);
  },
});
`;
const SCRIPT = '#!/bin/sh\necho "$*" >>/run/told\n';

interface Servers {
  /** @param place "11" or "12". */
  start(place: number): Promise<void>;
  stop(place: number): Promise<void>;
}

/** Redis at 192.0.2.11:6379 and 192.0.2.12:6379. */
function serversOn(host: Host): Servers {
  const running = new Map<number, HostProcess>();
  return {
    async start(place) {
      const server = await host.spawn(
        ["redis-server", "--bind", `192.0.2.${place}`, "--protected-mode", "no", "--save", ""],
        {},
      );
      running.set(place, server);
      await waitFor("redis", () => /[Rr]eady to accept connections/.test(server.output), WAIT_MS);
    },
    async stop(place) {
      running.get(place)?.kill("SIGKILL");
      await running.get(place)?.exited;
    },
  };
}

interface Scene {
  readonly host: Host;
  readonly servers: Servers;
  start(virtualServer?: string, checker?: string, rest?: string): Promise<Karuntime>;
  /** Waits until the file has these lines, and no others. */
  reads(file: string, lines: readonly string[]): Promise<void>;
}

async function withScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await ensureLabPrivileges();
  const lab = await createLab();
  try {
    const host = await lab.host("node", { address: "192.0.2.1/24", interface: "eth0" });
    for (const place of [11, 12])
      await host.run(["ip", "address", "add", `192.0.2.${place}/32`, "dev", "lo"]);
    host.write("/run/checker.ts", CHECKER);
    host.write("/run/notifier.ts", NOTIFIER);
    host.write("/run/told.sh", SCRIPT);
    await host.run(["chmod", "755", "/run/told.sh"]);
    await body({
      host,
      servers: serversOn(host),
      start(virtualServer = "", checker = "", rest = "") {
        host.write("/run/karuntime.config.ts", configuration(virtualServer, checker, rest));
        return startKaruntime(host, { configuration: "/run/karuntime.config.ts" });
      },
      async reads(file, wanted) {
        const read = (): string[] => lines(host, file);
        await waitFor(
          `${file} to have ${wanted.length} lines`,
          () => read().length >= wanted.length,
          WAIT_MS,
        );
        assert.deepEqual(read(), wanted);
      },
    });
  } finally {
    await lab.close();
  }
}

function configuration(virtualServer: string, checker: string, rest: string): string {
  const realServer = (place: number): string => `{
        server: "192.0.2.${place}:6379",
        onUp: { command: ["/run/told.sh", "up", "${place}"] },
        onDown: { command: ["/run/told.sh", "down", "${place}"] },
        checkers: [{ type: "plugin", plugin: "./checker.ts", ${checker} }],
      }`;
  return `import { defineConfig } from "karuntime/config";
export default defineConfig({
  virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.100/24"] } },
  virtualServers: {
    web: {
      services: ["192.0.2.100:80"],
      protocol: "TCP",
      interval: "200ms",
      retries: 1,
      retryDelay: "100ms",
      warmup: "0s",
      timeout: "1s",
      onQuorumUp: { command: ["/run/told.sh", "quorum-up"] },
      onQuorumDown: { command: ["/run/told.sh", "quorum-down"] },
      notify: [{ plugin: "./notifier.ts" }],
      realServers: [${realServer(11)}, ${realServer(12)}],
      ${virtualServer}
    },
  },
  ${rest}
});
`;
}

describe("real servers", { skip }, () => {
  test(
    "one stops, both stop, they come back: every receiver hears the same, in order",
    { timeout: 120_000 },
    () =>
      withScene(async ({ host, servers, start, reads }) => {
        await servers.start(11);
        await servers.start(12);
        const smtp = await host.spawn([process.execPath, SMTP_SERVER, "2525"]);
        await waitFor("the mail server", () => smtp.output.includes("listening"), WAIT_MS);
        const karuntime = await start(
          "mail: true,",
          "",
          `mail: { server: "127.0.0.1", port: 2525, from: "a@example.com", to: ["b@example.com"], routerName: "R1" },
  notify: [{ on: ["up", "down", "quorum-up", "quorum-down", "master"], fifo: "/run/events" }],`,
        );
        await waitFor(
          "the pipe",
          async () => (await host.exec(["test", "-p", "/run/events"])).status === 0,
          WAIT_MS,
        );
        const pipe = await host.spawn(["cat", "/run/events"]);
        const heard = ["quorum-up web 2"];
        const told = ["quorum-up"];
        const expect = async (
          more: readonly string[],
          commands: readonly string[],
        ): Promise<void> => {
          heard.push(...more);
          told.push(...commands);
          await reads("/run/heard", heard);
          await waitFor(
            "the commands",
            () => host.read("/run/told").trim().split("\n").length >= told.length,
            WAIT_MS,
          );
        };
        await expect([], []);
        await allUp(karuntime);
        await servers.stop(11);
        await expect(["down 192.0.2.11:6379 1"], ["down 11"]);
        await servers.stop(12);
        await expect(["down 192.0.2.12:6379 1", "quorum-down web 0"], ["down 12", "quorum-down"]);
        assert.match(await karuntime.statusText(), /virtual server web {2}quorum DOWN/);
        assert.match(
          await karuntime.statusText(),
          /real server 192\.0\.2\.12:6379 {2}DOWN {2}weight 1 {2}.*refused/,
        );
        await servers.start(12);
        await expect(["up 192.0.2.12:6379 1", "quorum-up web 1"], ["up 12", "quorum-up"]);
        await servers.start(11);
        await expect(["up 192.0.2.11:6379 1"], ["up 11"]);
        await waitFor("seven mails", () => subjectsOf(smtp).length >= 7, WAIT_MS);
        await karuntime.stop();
        await reads("/run/heard", heard);
        // Each command has its own turn: those of one moment may come in any order.
        assert.deepEqual(host.read("/run/told").trim().split("\n").toSorted(), told.toSorted());
        const web = "[192.0.2.100]:tcp:80";
        const redis = (place: number): string => `[192.0.2.${place}]:tcp:6379`;
        assert.deepEqual(
          pipe.output
            .trim()
            .split("\n")
            .filter((line) => /^(RS|VS)/.test(line)),
          [
            `VS ${web} UP`,
            `RS ${redis(11)} ${web} DOWN`,
            `RS ${redis(12)} ${web} DOWN`,
            `VS ${web} DOWN`,
            `RS ${redis(12)} ${web} UP`,
            `VS ${web} UP`,
            `RS ${redis(11)} ${web} UP`,
          ],
        );
        assert.deepEqual(subjectsOf(smtp).toSorted(), [
          `[R1] Realserver ${redis(11)} of virtual server ${web} - DOWN`,
          `[R1] Realserver ${redis(11)} of virtual server ${web} - UP`,
          `[R1] Realserver ${redis(12)} of virtual server ${web} - DOWN`,
          `[R1] Realserver ${redis(12)} of virtual server ${web} - UP`,
          `[R1] Virtualserver ${web} - DOWN`,
          `[R1] Virtualserver ${web} - UP`,
          `[R1] Virtualserver ${web} - UP`,
        ]);
      }),
  );

  test(
    "one that starts down is told of once it is known, and everything goes down with the stop",
    { timeout: 120_000 },
    () =>
      withScene(async ({ host, servers, start, reads }) => {
        await servers.start(11);
        const karuntime = await start("startsDown: true, omega: true,");
        const first = ["quorum-up web 1", "up 192.0.2.11:6379 1", "down 192.0.2.12:6379 1"];
        await waitFor(
          "three events",
          () => lines(host, "/run/heard").length >= first.length,
          WAIT_MS,
        );
        assert.deepEqual(lines(host, "/run/heard").toSorted(), first.toSorted());
        await servers.start(12);
        const before = [...lines(host, "/run/heard"), "up 192.0.2.12:6379 1"];
        await reads("/run/heard", before);
        await karuntime.stop();
        assert.deepEqual(lines(host, "/run/heard"), [
          ...before,
          "down 192.0.2.11:6379 1",
          "down 192.0.2.12:6379 1",
          "quorum-down web 0",
        ]);
        const told = [
          "up 11",
          "quorum-up",
          "down 12",
          "up 12",
          "down 11",
          "down 12",
          "quorum-down",
        ];
        assert.deepEqual(lines(host, "/run/told").toSorted(), told.toSorted());
      }),
  );

  test(
    "a failure that a retry does not confirm is no news; one that it confirms comes without waiting for the interval",
    { timeout: 120_000 },
    () =>
      withScene(async ({ host, servers, start, reads }) => {
        await servers.start(11);
        await servers.start(12);
        const karuntime = await start('interval: "4s", retries: 3, retryDelay: "1s",');
        await allUp(karuntime);
        const runsOf = async (outcome: "down" | "error" | "up"): Promise<number> =>
          (await karuntime.status()).checks[0]?.outcomes[outcome] ?? 0;
        // It answers, but not what it should.
        const rename = (to: string): Promise<unknown> =>
          host.run(["redis-cli", "-h", "192.0.2.11", "ACL", "SETUSER", "default", to]);
        await rename("-ping");
        await waitFor("a failure", async () => (await runsOf("down")) > 0, WAIT_MS);
        await rename("+ping");
        const ups = await runsOf("up");
        await waitFor("a success", async () => (await runsOf("up")) > ups, WAIT_MS);
        assert.deepEqual(lines(host, "/run/heard"), ["quorum-up web 2"]);
        const downs = await runsOf("down");
        await rename("-ping");
        await waitFor("another failure", async () => (await runsOf("down")) > downs, WAIT_MS);
        const failedAtMs = now();
        await reads("/run/heard", ["quorum-up web 2", "down 192.0.2.11:6379 1"]);
        // Three retries take three seconds, three intervals would take twelve.
        assert.ok(now() - failedAtMs < 8000, `it took ${Math.round(now() - failedAtMs)} ms`);
        await karuntime.stop();
        assert.deepEqual(lines(host, "/run/told").toSorted(), ["down 11", "quorum-up"]);
      }),
  );

  test("what is not checked yet counts as up, and the log says so", { timeout: 60_000 }, () =>
    withScene(async ({ host, start, reads }) => {
      const karuntime = await start(
        'realServers: [{ server: "192.0.2.11:6379", checkers: [{ type: "tcp" }] }], suspendWithoutAddress: true,',
      );
      await reads("/run/heard", ["quorum-up web 1"]);
      const messages = karuntime.records.map(({ message }) => message).join("\n");
      assert.match(messages, /not checked yet: checkers of the type tcp/);
      assert.match(messages, /suspendWithoutAddress has no effect yet/);
      assert.match(messages, /no traffic is spread over them yet/);
      assert.match(
        await karuntime.statusText(),
        /192\.0\.2\.11:6379 {2}UP {2}weight 1 {2}not checked/,
      );
      await karuntime.stop();
      assert.deepEqual(lines(host, "/run/heard"), ["quorum-up web 1"]);
    }),
  );
});

/** Waits until every checker has found its real server up. */
async function allUp(karuntime: Karuntime): Promise<void> {
  // Before the daemon listens there is no status.
  const checks = () =>
    karuntime.status().then(
      (status) => status.checks,
      () => [],
    );
  const up = async () => (await checks()).filter(({ last }) => last?.outcome === "up").length;
  await waitFor("both checkers to be up", async () => (await up()) === 2, WAIT_MS);
}

/** What a file has, nothing when there is none. */
function lines(host: Host, file: string): string[] {
  try {
    return host.read(file).trim().split("\n");
  } catch {
    return [];
  }
}

/** Of all mails; a long one is folded. */
const subjectsOf = (smtp: HostProcess): (string | undefined)[] =>
  [...smtp.output.replaceAll(/",\s*" /g, " ").matchAll(/"Subject: ([^"]*)"/g)].map(
    (match) => match[1],
  );
