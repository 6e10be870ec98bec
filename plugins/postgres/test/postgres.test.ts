/** The checker as the daemon runs it, against PostgreSQL and against what pretends to be one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { certificateLooks, certify, CLIENT_KEY } from "../../certified.ts";
import type { Certified } from "../../certified.ts";
import type { ServerFolder, ServerProcess } from "../../servers.ts";
import { missing } from "../../servers.ts";
import { suite } from "../../suite.ts";
import { freePort } from "../../testing.ts";

/** "ﬁ" is one that SCRAM changes to two letters. */
const PASSWORD = "correct horse größe ﬁ";
/** How each role is authenticated. */
const ROLES = { scram: "scram-sha-256", old: "md5", clear: "password", trusted: "trust" };

/** Makes a cluster with these roles, and a copy of it that is to follow it. */
function makeClusters(folder: ServerFolder): void {
  const how = ["-U", "trusted", "-E", "UTF8", "--no-locale", "--no-sync"];
  folder.run("initdb", ["-D", "primary", ...how]);
  const statements = ["scram", "old", "clear", "secured"].map(
    (role) =>
      `SET password_encryption = '${role === "old" ? "md5" : "scram-sha-256"}';\nCREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}';\n`,
  );
  statements.push("CREATE ROLE watcher LOGIN;\n");
  folder.run("postgres", ["--single", "-F", "-D", "primary", "postgres"], statements.join(""));
  const access = [
    ...Object.entries(ROLES).map(([role, method]) => `host all ${role} 127.0.0.1/32 ${method}`),
    "hostssl all secured 127.0.0.1/32 scram-sha-256",
    "hostssl all watcher 127.0.0.1/32 cert",
    "host replication trusted 127.0.0.1/32 trust",
  ];
  folder.write("primary/pg_hba.conf", access.map((line) => `${line}\n`).join(""));
  folder.run("cp", ["-a", "primary", "replica"]);
  folder.run("touch", ["replica/standby.signal"]);
}

describe(
  "the postgres checker",
  { skip: missing("postgresql", "postgres", "initdb", "psql") },
  () => {
    let primary: ServerProcess;
    let primaryPort: number;
    let replicaPort: number;
    let certified: Certified;

    const postgres = suite(
      "postgres",
      {
        secrets: { postgres: PASSWORD, wrong: "not this one", key: CLIENT_KEY },
        options: { user: "scram", secret: "postgres" },
      },
      async ({ folder, talker, strangers }) => {
        [primaryPort, replicaPort] = [await freePort(), await freePort()];
        makeClusters(folder);
        certified = certify(folder);
        const serve = (
          name: string,
          port: number,
          ...settings: readonly string[]
        ): ServerProcess => {
          const place = ["-h", "127.0.0.1", "-p", String(port), "-k", ""];
          const all = settings.flatMap((setting) => ["-c", setting]);
          return folder.start("postgres", ["-D", name, "-F", ...place, ...all], "SIGQUIT");
        };
        primary = serve(
          "primary",
          primaryPort,
          "ssl=on",
          `ssl_ca_file=${certified.ca}`,
          `ssl_cert_file=${certified.certificate}`,
          `ssl_key_file=${certified.key}`,
        );
        const source = `host=127.0.0.1 port=${primaryPort} user=trusted`;
        serve("replica", replicaPort, `primary_conninfo=${source}`);
        const starting = await talker("E\0\0\0\u002cSFATAL\0C57P03\0Mit is starting up, wait\0\0");
        const { trusting } = certified;
        const shown = { certificate: certified.client, keySecret: "key" };
        const plain = { opportunisticTls: false };
        return {
          primary: [primaryPort, { role: "primary" }],
          primaryAsReplica: [primaryPort, { role: "replica" }, /^it is a primary, expected a repl/],
          replica: [replicaPort, { role: "replica", maxLagSeconds: 1 }],
          replicaAsPrimary: [replicaPort, { role: "primary" }, /^it is a replica, expected a prim/],
          md5: [primaryPort, { user: "old" }],
          trust: [primaryPort, { user: "trusted", secret: "" }],
          cleartext: [primaryPort, { user: "clear", cleartext: true, ...plain }],
          // Over TLS with nobody knows whom, too.
          cleartextRefused: [
            primaryPort,
            { user: "clear" },
            /^the server asks for the password in clear text; it is sent so only with/,
          ],
          cleartextOverTls: [primaryPort, { user: "clear", ...trusting }],
          noPassword: [primaryPort, { secret: "" }, /^the server asks for a password; name the/],
          wrongPassword: [primaryPort, { secret: "wrong" }, /^the login: password auth.*\(28P01\)/],
          wrongMd5: [primaryPort, { user: "old", secret: "wrong" }, /^the login: pass.*\(28P01\)/],
          noDatabase: [
            primaryPort,
            { database: "none" },
            /^the login: database "none" does not exist \(3D000\)/,
          ],
          expected: [primaryPort, { query: "SELECT 40 + 2", expect: "42" }],
          unexpected: [
            primaryPort,
            { query: "SELECT 'größer'", expect: "42" },
            /^the query gives "größer", expected "42"/,
          ],
          null: [primaryPort, { query: "SELECT NULL" }, /^the query gives NULL, expected ""/],
          twoRows: [
            primaryPort,
            { query: "SELECT 1 UNION SELECT 2", expect: "1" },
            /^the query gives 2 rows with 2 values, expected a single value/,
          ],
          writes: [
            primaryPort,
            { user: "trusted", query: "CREATE TABLE a (); SELECT 1", expect: "1" },
            /^the query: cannot execute CREATE TABLE in a read-only transaction/,
          ],
          slowQuery: [
            primaryPort,
            { query: "SELECT pg_sleep(60)" },
            /^no answer to the query within 600 ms/,
          ],
          starting: [starting, {}, /^the request for TLS: it is starting up, wait \(57P03\)/],
          ...(await strangers("PostgreSQL", "answer to the request for TLS", primaryPort)),
          ...certificateLooks(primaryPort, certified, {}),
          withoutTls: [replicaPort, trusting, /does not go over to TLS.*answered .* with no$/],
          tlsDemanded: [
            primaryPort,
            { user: "secured", ...plain },
            /no pg_hba.conf .* no encryption/,
          ],
          opportunistic: [primaryPort, { user: "secured" }],
          certificate: [primaryPort, { user: "watcher", secret: "", ...trusting, ...shown }],
          certificateMissing: [
            primaryPort,
            { user: "watcher", secret: "", ...trusting },
            /^the login: connection requires a valid client certificate/,
          ],
        };
      },
    );

    const sql = (port: number, statement: string): void => {
      const place = ["-h", "127.0.0.1", "-p", String(port), "-U", "trusted"];
      postgres.folder.run("psql", [...place, "-c", statement, "postgres"]);
    };

    test("publishes how many replicas there are, and how far this one is behind", async () => {
      const value = async (check: string, wanted: string): Promise<number | undefined> =>
        (await postgres.project.report(check)).metrics.find(({ name }) => name === wanted)?.value;
      await postgres.project.waitFor("a connected replica", async () =>
        (await value("primary", "postgres_connected_replicas")) === 1 ? true : undefined,
      );
      assert.equal(await value("replica", "postgres_replication_lag_seconds"), 0);
    });

    test("a certificate that has expired makes it down, until there is a new one", async () => {
      certified.install("expired");
      sql(primaryPort, "SELECT pg_reload_conf()");
      await postgres.becomes("tls", "down", /certificate has expired/);
      certified.install("good");
      sql(primaryPort, "SELECT pg_reload_conf()");
      await postgres.becomes("tls", "up");
    });

    test("a replica that does not replay what it receives is down, until it does", async () => {
      sql(primaryPort, "CREATE TABLE one ()");
      sql(replicaPort, "SELECT pg_wal_replay_pause()");
      sql(primaryPort, "CREATE TABLE two ()");
      await postgres.becomes(
        "replica",
        "down",
        /^it is [\d.]+ s behind its primary, expected at most 1 s/,
      );
      sql(replicaPort, "SELECT pg_wal_replay_resume()");
      await postgres.becomes("replica", "up");
    });

    test("a primary that hangs is down, and is up again afterwards", async () => {
      primary.hang();
      await postgres.becomes("primary", "down", /^no answer to the request for TLS within 600 ms/);
      primary.resume();
      await postgres.becomes("primary", "up");
    });

    test("a primary that ends is down, and its replica is behind from then on", async () => {
      await primary.stop();
      await postgres.becomes("primary", "down", /the connection is refused/);
      await postgres.becomes("replica", "down", /^it is [\d.]+ s behind its primary/);
    });
  },
);
