/** The checker as the daemon runs it, against redis-server and against what pretends to be one. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Project } from "../../../runtime/test/sandbox/plugins.ts";
import { configuration, startProject } from "../../../runtime/test/sandbox/plugins.ts";
import type { Impostor, ServerFolder, ServerProcess } from "../../servers.ts";
import {
  becomes,
  freePort,
  makeServerFolder,
  missing,
  startSlowProxy,
  startTalker,
} from "../../servers.ts";

const PLUGIN = fileURLToPath(new URL("../src/index.ts", import.meta.url));
const PASSWORD = "correct-horse-größe";

describe("the redis checker", { skip: missing("redis-server", "redis-server") }, () => {
  let folder: ServerFolder;
  let master: ServerProcess;
  let project: Project;
  const impostors: Impostor[] = [];

  before(async () => {
    folder = makeServerFolder();
    const [masterPort, replicaPort, tlsPort, closedPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const serve = (port: number, ...settings: readonly string[]): ServerProcess => {
      const place = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder.path];
      return folder.start("redis-server", [
        ...place,
        "--save",
        "",
        "--requirepass",
        PASSWORD,
        ...settings,
      ]);
    };
    folder.makeCertificate("redis.example.test");
    const tls = ["--tls-port", String(tlsPort), "--tls-auth-clients", "no"];
    tls.push("--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem");
    const user = ["--user", "watcher", "on", `>${PASSWORD}`, "+ping", "+info"];
    const replication = ["--repl-ping-replica-period", "1", "--repl-diskless-sync-delay", "0"];
    master = serve(masterPort, ...replication, ...tls, ...user);
    serve(replicaPort, "--replicaof", `127.0.0.1 ${masterPort}`, "--masterauth", PASSWORD);
    impostors.push(
      await startTalker(""),
      await startTalker("HTTP/1.1 400 Bad Request\r\n\r\n"),
      await startTalker("-LOADING Redis is loading the dataset in memory\r\n"),
      await startSlowProxy(masterPort, 700),
    );
    const [silentPort, wrongPort, loadingPort, slowPort] = impostors.map(({ port }) => port);
    const check = (port: number | undefined, options: object): string =>
      JSON.stringify({
        plugin: PLUGIN,
        target: `127.0.0.1:${port}`,
        options: { timeoutMs: 600, ...options },
        interval: "200ms",
        timeout: "2s",
      });
    const secret = "redis";
    project = await startProject({
      "karuntime.config.ts": configuration(`
        secrets: { redis: ${JSON.stringify(PASSWORD)}, wrong: "not this one" },
        checks: {
          master: ${check(masterPort, { secret, role: "master" })},
          masterAsReplica: ${check(masterPort, { secret, role: "replica" })},
          replica: ${check(replicaPort, { secret, role: "replica", maxLagSeconds: 2 })},
          replicaAsMaster: ${check(replicaPort, { secret, role: "master" })},
          user: ${check(masterPort, { secret, user: "watcher" })},
          tls: ${check(tlsPort, { secret, tls: true, tlsVerify: false })},
          selfSigned: ${check(tlsPort, { secret, tls: true, tlsServerName: "redis.example.test" })},
          noPassword: ${check(masterPort, {})},
          wrongPassword: ${check(masterPort, { secret: "wrong" })},
          refused: ${check(closedPort, {})},
          silent: ${check(silentPort, {})},
          wrong: ${check(wrongPort, {})},
          loading: ${check(loadingPort, {})},
          slow: ${check(slowPort, { secret })},
        },`),
    });
  });
  after(async () => {
    await project.stop();
    for (const impostor of impostors) impostor.stop();
    await folder.remove();
  });

  for (const name of ["master", "replica", "user", "tls"])
    test(`${name}: up`, () => becomes(project, name, "up"));

  for (const [name, reason] of [
    ["masterAsReplica", /^it is a master, expected a replica/],
    ["replicaAsMaster", /^it is a replica, expected a master/],
    ["selfSigned", /self-signed certificate/],
    ["noPassword", /^PING: NOAUTH .*; name the secret/],
    ["wrongPassword", /^AUTH: WRONGPASS /],
    ["refused", /the connection is refused/],
    ["silent", /^no answer to PING within 600 ms/],
    ["wrong", /^the server does not speak the redis protocol: "HTTP\/1.1 400/],
    ["loading", /^PING: LOADING /],
    ["slow", /^no answer to AUTH within 600 ms/],
  ] as const)
    test(`${name}: down`, () => becomes(project, name, "down", reason));

  test("publishes how many replicas there are, and how far they are behind", async () => {
    const { metrics } = await project.waitFor("a connected replica", async () => {
      const report = await project.report("master");
      return report.metrics.some(
        ({ name, value }) => name === "redis_connected_replicas" && value === 1,
      )
        ? report
        : undefined;
    });
    assert.ok(metrics.some(({ name }) => name === "redis_replication_lag_bytes"));
  });

  test("a master that hangs is down, its replica too when it has been silent for too long; both come back", async () => {
    await becomes(project, "replica", "up");
    master.hang();
    await becomes(project, "master", "down", /^no answer to \w+ within 600 ms/);
    await becomes(
      project,
      "replica",
      "down",
      /^its master has been silent for \d+ s, expected at most 2 s/,
    );
    master.resume();
    await becomes(project, "master", "up");
    await becomes(project, "replica", "up");
  });

  test("a master that ends is down, and the replica's link with it", async () => {
    await master.stop();
    await becomes(project, "master", "down", /the connection is refused/);
    await becomes(project, "replica", "down", /^its link to the master has been down for \d+ s/);
  });
});
