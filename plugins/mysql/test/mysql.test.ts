/** The checker as the daemon runs it, against MariaDB and against what pretends to be one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { certificateLooks, certify, CLIENT_KEY } from "../../certified.ts";
import type { Certified } from "../../certified.ts";
import type { ServerFolder, ServerProcess } from "../../servers.ts";
import { missing } from "../../servers.ts";
import { suite } from "../../suite.ts";
import { freePort } from "../../testing.ts";

const PASSWORD = "correct horse battery staple";
const SKIP = missing("mariadb-server", "mariadbd", "mariadb-install-db", "mariadb");
const SMALL = ["--innodb-log-file-size=4M", "--innodb-buffer-pool-size=8M"];

const user = (name: string, ...more: readonly string[]): string =>
  `CREATE USER ${name}@'127.0.0.1' ${more.join(" ")}`;
const NATIVE = `IDENTIFIED VIA mysql_native_password USING PASSWORD('${PASSWORD}')`;
const USERS = [
  "SET SESSION sql_log_bin = 0",
  user("watcher", NATIVE),
  "GRANT REPLICA MONITOR ON *.* TO watcher@'127.0.0.1'",
  user("plain", `IDENTIFIED BY '${PASSWORD}'`),
  user("open"),
  "GRANT ALL ON *.* TO open@'127.0.0.1'",
  user("modern", `IDENTIFIED VIA ed25519 USING PASSWORD('${PASSWORD}')`),
  user("secured", NATIVE, "REQUIRE SSL"),
  user("certified", NATIVE, "REQUIRE SUBJECT '/CN=watcher'"),
];

/** Makes an empty server, and a copy of it. */
function makeServers(folder: ServerFolder): void {
  folder.run("mariadb-install-db", [
    "--no-defaults",
    `--datadir=${folder.path}/primary`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    ...SMALL,
  ]);
  folder.run("cp", ["-a", "primary", "replica"]);
}

describe("the mysql checker, with MariaDB", { skip: SKIP }, () => {
  let primary: ServerProcess;
  let primaryPort: number;
  let replicaPort: number;
  let certified: Certified;

  const mysql = suite(
    "mysql",
    {
      secrets: { mysql: PASSWORD, wrong: "not this one", key: CLIENT_KEY },
      options: { user: "watcher", secret: "mysql" },
    },
    async ({ folder, talker, strangers }) => {
      [primaryPort, replicaPort] = [await freePort(), await freePort()];
      makeServers(folder);
      certified = certify(folder);
      const serve = (
        name: string,
        port: number,
        statements: readonly string[],
        ...settings: readonly string[]
      ): ServerProcess =>
        folder.start("mariadbd", [
          "--no-defaults",
          `--datadir=${folder.path}/${name}`,
          "--bind-address=127.0.0.1",
          `--port=${port}`,
          `--socket=${folder.path}/${name}.sock`,
          `--pid-file=${folder.path}/${name}.pid`,
          `--init-file=${folder.write(`${name}.sql`, statements.map((statement) => `${statement};\n`).join(""))}`,
          "--skip-name-resolve",
          "--plugin-load-add=auth_ed25519",
          ...SMALL,
          ...settings,
        ]);
      primary = serve(
        "primary",
        primaryPort,
        USERS,
        "--server-id=1",
        "--log-bin=log",
        `--ssl-ca=${certified.ca}`,
        `--ssl-cert=${certified.certificate}`,
        `--ssl-key=${certified.key}`,
      );
      const source = `MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primaryPort}, MASTER_USER = 'open'`;
      const following = [
        `CHANGE MASTER TO ${source}, MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos`,
        "START SLAVE",
      ];
      serve("replica", replicaPort, [...USERS, ...following], "--server-id=2", "--read-only");
      const { trusting } = certified;
      const shown = { certificate: certified.client, keySecret: "key" };
      const full = Buffer.from("\u0017\0\0\0\u00ff\u0010\u0004Too many connections", "latin1");
      const plain = { opportunisticTls: false };
      return {
        primary: [primaryPort, { role: "primary" }],
        primaryAsReplica: [
          primaryPort,
          { role: "replica" },
          /^it has read_only = 0, expected a replica/,
        ],
        replica: [replicaPort, { role: "replica", maxLagSeconds: 1 }],
        replicaAsPrimary: [
          replicaPort,
          { role: "primary" },
          /^it has read_only = 1, expected a primary/,
        ],
        noPrivilege: [
          replicaPort,
          { user: "plain", role: "replica" },
          /^SHOW REPLICA STATUS: Access denied; you need .* privilege.* \(1227\)/,
        ],
        open: [primaryPort, { user: "open", secret: "" }],
        noPassword: [
          primaryPort,
          { secret: "" },
          /^the login: Access denied for user 'watcher'@'127.0.0.1' \(using password: NO\) \(1045\)/,
        ],
        wrongPassword: [
          primaryPort,
          { secret: "wrong" },
          /^the login: Access denied for user .* \(using password: YES\) \(1045\)/,
        ],
        otherMethod: [
          primaryPort,
          { user: "modern" },
          /^the server asks for the authentication "client_ed25519", expected mysql_native_pa/,
        ],
        full: [await talker(full), {}, /^Too many connections \(1040\)/],
        ...(await strangers("MySQL", "greeting", primaryPort)),
        ...certificateLooks(primaryPort, certified, {}),
        withoutTls: [
          replicaPort,
          trusting,
          /^the server does not go over to TLS, .*: its handshake does not offer it$/,
        ],
        tlsDemanded: [primaryPort, { user: "secured", ...plain }, /Access denied .*\(1045\)/],
        opportunistic: [primaryPort, { user: "secured" }],
        certificate: [primaryPort, { user: "certified", ...trusting, ...shown }],
        certificateMissing: [
          primaryPort,
          { user: "certified", ...trusting },
          /^the login: Access denied .*\(1045\)/,
        ],
      };
    },
  );

  const sql = (port: number, statements: string): void => {
    const place = ["-h", "127.0.0.1", "-P", String(port), "-u", "open"];
    mysql.folder.run("mariadb", ["--no-defaults", ...place], statements);
  };

  test("publishes how far a replica is behind", async () => {
    const { metrics } = await mysql.project.report("replica");
    assert.equal(metrics.find(({ name }) => name === "mysql_replication_lag_seconds")?.value, 0);
  });

  test("a certificate that has expired makes it down, until there is a new one", async () => {
    certified.install("expired");
    sql(primaryPort, "FLUSH SSL");
    await mysql.becomes("tls", "down", /certificate has expired/);
    certified.install("good");
    sql(primaryPort, "FLUSH SSL");
    await mysql.becomes("tls", "up");
  });

  test("a replica whose thread has stopped is down, until it runs again", async () => {
    sql(replicaPort, "STOP SLAVE SQL_THREAD");
    await mysql.becomes("replica", "down", /^its thread that applies says "No", expected "Yes"/);
    sql(replicaPort, "START SLAVE SQL_THREAD");
    await mysql.becomes("replica", "up");
  });

  test("a replica that does not apply what it receives is down, until it does", async () => {
    sql(replicaPort, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 3600; START SLAVE");
    sql(primaryPort, "CREATE DATABASE one");
    await mysql.becomes("replica", "down", /^it is \d+ s behind its primary, expected at most 1 s/);
    sql(replicaPort, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY = 0; START SLAVE");
    await mysql.becomes("replica", "up");
  });

  test("a primary that hangs is down, and is up again afterwards", async () => {
    primary.hang();
    await mysql.becomes("primary", "down", /^no greeting within 600 ms/);
    primary.resume();
    await mysql.becomes("primary", "up");
  });

  test("a primary that ends is down, and its replica no longer receives", async () => {
    await primary.stop();
    await mysql.becomes("primary", "down", /the connection is refused/);
    await mysql.becomes(
      "replica",
      "down",
      /^its thread that receives says "Connecting", expected "Yes": .*127\.0\.0\.1/,
    );
  });
});
