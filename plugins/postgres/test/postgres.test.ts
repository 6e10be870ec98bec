/** The checker as the daemon runs it, against PostgreSQL and against what pretends to be one. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
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
/** "ﬁ" is one that SCRAM changes to two letters. */
const PASSWORD = "correct horse größe ﬁ";
/** The role, and how it is authenticated. */
const ROLES = ["scram scram-sha-256", "old md5", "clear password", "trusted trust"];

describe(
  "the postgres checker",
  { skip: missing("postgresql", "postgres", "initdb", "psql") },
  () => {
    let folder: ServerFolder;
    let primary: ServerProcess;
    let project: Project;
    let primaryPort: number;
    let replicaPort: number;
    const impostors: Impostor[] = [];

    /** Makes a cluster with these roles, and a copy of it that follows it. */
    function startServers(): void {
      folder.run("initdb", [
        "-D",
        "primary",
        "-U",
        "trusted",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
      ]);
      const roles = ROLES.slice(0, 3).map((role) => role.split(" ")[0] ?? "");
      const statements = roles.map(
        (role) =>
          `SET password_encryption = '${role === "old" ? "md5" : "scram-sha-256"}';\nCREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}';\n`,
      );
      folder.run("postgres", ["--single", "-F", "-D", "primary", "postgres"], statements.join(""));
      const access = [
        ...ROLES.map((role) => `all ${role.replace(" ", " 127.0.0.1/32 ")}`),
        "replication trusted 127.0.0.1/32 trust",
      ];
      writeFileSync(
        join(folder.path, "primary/pg_hba.conf"),
        access.map((line) => `host ${line}\n`).join(""),
      );
      folder.run("cp", ["-a", "primary", "replica"]);
      folder.run("touch", ["replica/standby.signal"]);
      const serve = (name: string, port: number, ...settings: readonly string[]): ServerProcess =>
        folder.start(
          "postgres",
          ["-D", name, "-F", "-h", "127.0.0.1", "-p", String(port), "-k", "", ...settings],
          "SIGQUIT",
        );
      primary = serve("primary", primaryPort);
      serve(
        "replica",
        replicaPort,
        "-c",
        `primary_conninfo=host=127.0.0.1 port=${primaryPort} user=trusted`,
      );
    }

    const sql = (port: number, statement: string): void =>
      folder.run("psql", [
        "-h",
        "127.0.0.1",
        "-p",
        String(port),
        "-U",
        "trusted",
        "-c",
        statement,
        "postgres",
      ]);

    before(async () => {
      folder = makeServerFolder();
      [primaryPort, replicaPort] = [await freePort(), await freePort()];
      const closedPort = await freePort();
      startServers();
      impostors.push(
        await startTalker(""),
        await startTalker("HTTP/1.1 400 Bad Request\r\n\r\n"),
        await startSlowProxy(primaryPort, 700),
        await startTalker("E\0\0\0\u002cSFATAL\0C57P03\0Mit is starting up, wait\0\0"),
      );
      const [silentPort, wrongPort, slowPort, startingPort] = impostors.map(({ port }) => port);
      const check = (port: number | undefined, options: object): string =>
        JSON.stringify({
          plugin: PLUGIN,
          target: `127.0.0.1:${port}`,
          options: { timeoutMs: 600, user: "scram", secret: "postgres", ...options },
          interval: "300ms",
          timeout: "2s",
        });
      project = await startProject({
        "karuntime.config.ts": configuration(`
        secrets: { postgres: ${JSON.stringify(PASSWORD)}, wrong: "not this one" },
        checks: {
          primary: ${check(primaryPort, { role: "primary" })},
          primaryAsReplica: ${check(primaryPort, { role: "replica" })},
          replica: ${check(replicaPort, { role: "replica", maxLagSeconds: 1 })},
          replicaAsPrimary: ${check(replicaPort, { role: "primary" })},
          md5: ${check(primaryPort, { user: "old" })},
          trust: ${check(primaryPort, { user: "trusted", secret: "" })},
          cleartext: ${check(primaryPort, { user: "clear", cleartext: true })},
          cleartextRefused: ${check(primaryPort, { user: "clear" })},
          noPassword: ${check(primaryPort, { secret: "" })},
          wrongPassword: ${check(primaryPort, { secret: "wrong" })},
          wrongMd5: ${check(primaryPort, { user: "old", secret: "wrong" })},
          noDatabase: ${check(primaryPort, { database: "none" })},
          expected: ${check(primaryPort, { query: "SELECT 40 + 2", expect: "42" })},
          unexpected: ${check(primaryPort, { query: "SELECT 'größer'", expect: "42" })},
          null: ${check(primaryPort, { query: "SELECT NULL" })},
          twoRows: ${check(primaryPort, { query: "SELECT 1 UNION SELECT 2", expect: "1" })},
          writes: ${check(primaryPort, { user: "trusted", query: "CREATE TABLE a (); SELECT 1", expect: "1" })},
          slowQuery: ${check(primaryPort, { query: "SELECT pg_sleep(60)" })},
          refused: ${check(closedPort, {})},
          silent: ${check(silentPort, {})},
          wrong: ${check(wrongPort, {})},
          slow: ${check(slowPort, {})},
          starting: ${check(startingPort, {})},
        },`),
      });
    });
    after(async () => {
      await project.stop();
      for (const impostor of impostors) impostor.stop();
      await folder.remove();
    });

    for (const name of ["primary", "replica", "md5", "trust", "cleartext", "expected"])
      test(`${name}: up`, () => becomes(project, name, "up"));

    for (const [name, reason] of [
      ["primaryAsReplica", /^it is a primary, expected a replica/],
      ["replicaAsPrimary", /^it is a replica, expected a primary/],
      [
        "cleartextRefused",
        /^the server asks for the password in clear text; it is sent so only with/,
      ],
      ["noPassword", /^the server asks for a password; name the secret/],
      ["wrongPassword", /^the login: password authentication failed .*\(28P01\)/],
      ["wrongMd5", /^the login: password authentication failed .*\(28P01\)/],
      ["noDatabase", /^the login: database "none" does not exist \(3D000\)/],
      ["unexpected", /^the query gives "größer", expected "42"/],
      ["null", /^the query gives NULL, expected ""/],
      ["twoRows", /^the query gives 2 rows with 2 values, expected a single value/],
      ["writes", /^the query: cannot execute CREATE TABLE in a read-only transaction/],
      ["slowQuery", /^no answer to the query within 600 ms/],
      ["refused", /the connection is refused/],
      ["silent", /^no answer to the startup within 600 ms/],
      ["wrong", /^the server does not speak the PostgreSQL protocol: "HTTP\/1.1 400/],
      ["starting", /^the login: it is starting up, wait \(57P03\)/],
      ["slow", /^no answer to the startup within 600 ms/],
    ] as const)
      test(`${name}: down`, () => becomes(project, name, "down", reason));

    test("publishes how many replicas there are, and how far this one is behind", async () => {
      const value = async (check: string, wanted: string): Promise<number | undefined> =>
        (await project.report(check)).metrics.find(({ name }) => name === wanted)?.value;
      await project.waitFor("a connected replica", async () =>
        (await value("primary", "postgres_connected_replicas")) === 1 ? true : undefined,
      );
      assert.equal(await value("replica", "postgres_replication_lag_seconds"), 0);
    });

    test("a replica that does not replay what it receives is down, until it does", async () => {
      sql(primaryPort, "CREATE TABLE one ()");
      sql(replicaPort, "SELECT pg_wal_replay_pause()");
      sql(primaryPort, "CREATE TABLE two ()");
      await becomes(
        project,
        "replica",
        "down",
        /^it is [\d.]+ s behind its primary, expected at most 1 s/,
      );
      sql(replicaPort, "SELECT pg_wal_replay_resume()");
      await becomes(project, "replica", "up");
    });

    test("a primary that hangs is down, and is up again afterwards", async () => {
      primary.hang();
      await becomes(project, "primary", "down", /^no answer to the startup within 600 ms/);
      primary.resume();
      await becomes(project, "primary", "up");
    });

    test("a primary that ends is down, and its replica is behind from then on", async () => {
      await primary.stop();
      await becomes(project, "primary", "down", /the connection is refused/);
      await becomes(project, "replica", "down", /^it is [\d.]+ s behind its primary/);
    });
  },
);
