/** The checker as the daemon runs it, against MariaDB and against what pretends to be one. */
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
const PASSWORD = "correct horse battery staple";
const SKIP = missing("mariadb-server", "mariadbd", "mariadb-install-db", "mariadb");

describe("the mysql checker, with MariaDB", { skip: SKIP }, () => {
  let folder: ServerFolder;
  let primary: ServerProcess;
  let project: Project;
  let primaryPort: number;
  let replicaPort: number;
  const impostors: Impostor[] = [];

  /** Makes an empty server, and a copy of it that follows it. */
  function startServers(): void {
    const small = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"];
    folder.run("mariadb-install-db", [
      "--no-defaults",
      `--datadir=${folder.path}/primary`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      ...small,
    ]);
    folder.run("cp", ["-a", "primary", "replica"]);
    const users = [
      "SET SESSION sql_log_bin = 0",
      `CREATE USER watcher@'127.0.0.1' IDENTIFIED VIA mysql_native_password USING PASSWORD('${PASSWORD}')`,
      "GRANT REPLICA MONITOR ON *.* TO watcher@'127.0.0.1'",
      `CREATE USER plain@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`,
      "CREATE USER open@'127.0.0.1'",
      "GRANT ALL ON *.* TO open@'127.0.0.1'",
      `CREATE USER modern@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('${PASSWORD}')`,
    ];
    const following = [
      `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primaryPort}, MASTER_USER = 'open', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos`,
      "START SLAVE",
    ];
    const serve = (
      name: string,
      port: number,
      statements: readonly string[],
      ...settings: readonly string[]
    ): ServerProcess => {
      const file = join(folder.path, `${name}.sql`);
      writeFileSync(file, statements.map((statement) => `${statement};\n`).join(""));
      return folder.start("mariadbd", [
        "--no-defaults",
        `--datadir=${folder.path}/${name}`,
        "--bind-address=127.0.0.1",
        `--port=${port}`,
        `--socket=${folder.path}/${name}.sock`,
        `--pid-file=${folder.path}/${name}.pid`,
        `--init-file=${file}`,
        "--skip-name-resolve",
        "--plugin-load-add=auth_ed25519",
        ...small,
        ...settings,
      ]);
    };
    primary = serve("primary", primaryPort, users, "--server-id=1", "--log-bin=log");
    serve("replica", replicaPort, [...users, ...following], "--server-id=2", "--read-only");
  }

  const sql = (port: number, statements: string): void =>
    folder.run(
      "mariadb",
      ["--no-defaults", "-h", "127.0.0.1", "-P", String(port), "-u", "open"],
      statements,
    );

  before(async () => {
    folder = makeServerFolder();
    [primaryPort, replicaPort] = [await freePort(), await freePort()];
    const closedPort = await freePort();
    startServers();
    impostors.push(
      await startTalker(""),
      await startTalker("HTTP/1.1 400 Bad Request\r\n\r\n"),
      await startTalker(
        Buffer.from("\u0017\0\0\0\u00ff\u0010\u0004Too many connections", "latin1"),
      ),
      await startSlowProxy(primaryPort, 700),
    );
    const [silentPort, wrongPort, fullPort, slowPort] = impostors.map(({ port }) => port);
    const check = (port: number | undefined, options: object): string =>
      JSON.stringify({
        plugin: PLUGIN,
        target: `127.0.0.1:${port}`,
        options: { timeoutMs: 600, user: "watcher", secret: "mysql", ...options },
        interval: "300ms",
        timeout: "2s",
      });
    project = await startProject({
      "karuntime.config.ts": configuration(`
        secrets: { mysql: ${JSON.stringify(PASSWORD)}, wrong: "not this one" },
        checks: {
          primary: ${check(primaryPort, { role: "primary" })},
          primaryAsReplica: ${check(primaryPort, { role: "replica" })},
          replica: ${check(replicaPort, { role: "replica", maxLagSeconds: 1 })},
          replicaAsPrimary: ${check(replicaPort, { role: "primary" })},
          noPrivilege: ${check(replicaPort, { user: "plain", role: "replica" })},
          open: ${check(primaryPort, { user: "open", secret: "" })},
          noPassword: ${check(primaryPort, { secret: "" })},
          wrongPassword: ${check(primaryPort, { secret: "wrong" })},
          otherMethod: ${check(primaryPort, { user: "modern" })},
          refused: ${check(closedPort, {})},
          silent: ${check(silentPort, {})},
          wrong: ${check(wrongPort, {})},
          full: ${check(fullPort, {})},
          slow: ${check(slowPort, {})},
        },`),
    });
  });
  after(async () => {
    await project.stop();
    for (const impostor of impostors) impostor.stop();
    await folder.remove();
  });

  for (const name of ["primary", "replica", "open"])
    test(`${name}: up`, () => becomes(project, name, "up"));

  for (const [name, reason] of [
    ["primaryAsReplica", /^it has read_only = 0, expected a replica/],
    ["replicaAsPrimary", /^it has read_only = 1, expected a primary/],
    ["noPrivilege", /^SHOW REPLICA STATUS: Access denied; you need .* privilege.* \(1227\)/],
    [
      "noPassword",
      /^the login: Access denied for user 'watcher'@'127.0.0.1' \(using password: NO\) \(1045\)/,
    ],
    ["wrongPassword", /^the login: Access denied for user .* \(using password: YES\) \(1045\)/],
    [
      "otherMethod",
      /^the server asks for the authentication "client_ed25519", expected mysql_native_password or/,
    ],
    ["refused", /the connection is refused/],
    ["silent", /^no greeting within 600 ms/],
    ["wrong", /^the server does not speak the MySQL protocol: "HTTP\/1.1 400/],
    ["full", /^Too many connections \(1040\)/],
    ["slow", /^no greeting within 600 ms/],
  ] as const)
    test(`${name}: down`, () => becomes(project, name, "down", reason));

  test("publishes how far a replica is behind", async () => {
    const { metrics } = await project.report("replica");
    assert.equal(metrics.find(({ name }) => name === "mysql_replication_lag_seconds")?.value, 0);
  });

  test("a replica whose thread has stopped is down, until it runs again", async () => {
    sql(replicaPort, "STOP SLAVE SQL_THREAD");
    await becomes(project, "replica", "down", /^its thread that applies says "No", expected "Yes"/);
    sql(replicaPort, "START SLAVE SQL_THREAD");
    await becomes(project, "replica", "up");
  });

  test("a replica that does not apply what it receives is down, until it does", async () => {
    sql(replicaPort, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 3600; START SLAVE");
    sql(primaryPort, "CREATE DATABASE one");
    await becomes(
      project,
      "replica",
      "down",
      /^it is \d+ s behind its primary, expected at most 1 s/,
    );
    sql(replicaPort, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE");
    await becomes(project, "replica", "up");
  });

  test("a primary that hangs is down, and is up again afterwards", async () => {
    primary.hang();
    await becomes(project, "primary", "down", /^no greeting within 600 ms/);
    primary.resume();
    await becomes(project, "primary", "up");
  });

  test("a primary that ends is down, and its replica no longer receives", async () => {
    await primary.stop();
    await becomes(project, "primary", "down", /the connection is refused/);
    await becomes(
      project,
      "replica",
      "down",
      /^its thread that receives says "Connecting", expected "Yes": .*127\.0\.0\.1/,
    );
  });
});
