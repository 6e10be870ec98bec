/** The checker as the daemon runs it, against redis-server and against what pretends to be one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { certificateLooks, certify, CLIENT_KEY } from "../../certified.ts";
import type { Certified } from "../../certified.ts";
import type { ServerProcess } from "../../servers.ts";
import { missing } from "../../servers.ts";
import { suite } from "../../suite.ts";
import { freePort } from "../../testing.ts";

const PASSWORD = "correct-horse-größe";
const secret = "redis";

describe(
  "the redis checker",
  { skip: missing("redis-server", "redis-server", "redis-cli") },
  () => {
    let master: ServerProcess;
    let certified: Certified;
    let masterPort: number;

    const redis = suite(
      "redis",
      { secrets: { redis: PASSWORD, wrong: "not this one", key: CLIENT_KEY }, options: {} },
      async ({ folder, talker, strangers }) => {
        masterPort = await freePort();
        const [replicaPort, tlsPort, mutualPort] = [
          await freePort(),
          await freePort(),
          await freePort(),
        ];
        certified = certify(folder);
        const serve = (port: number, ...settings: readonly string[]): ServerProcess => {
          const place = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder.path];
          const password = ["--requirepass", PASSWORD];
          return folder.start("redis-server", [...place, "--save", "", ...password, ...settings]);
        };
        const tls = (port: number, clients: "yes" | "no"): readonly string[] =>
          [
            `--tls-port=${port}`,
            `--tls-auth-clients=${clients}`,
            `--tls-cert-file=${certified.certificate}`,
            `--tls-key-file=${certified.key}`,
            `--tls-ca-cert-file=${certified.ca}`,
          ].flatMap((setting) => setting.split("="));
        const user = ["--user", "watcher", "on", `>${PASSWORD}`, "+ping", "+info"];
        const replication = ["--repl-ping-replica-period", "1", "--repl-diskless-sync-delay", "0"];
        master = serve(masterPort, ...replication, ...tls(tlsPort, "no"), ...user);
        const following = ["--replicaof", `127.0.0.1 ${masterPort}`, "--masterauth", PASSWORD];
        serve(replicaPort, ...following, ...tls(mutualPort, "yes"));
        const shown = { certificate: certified.client, keySecret: "key" };
        const trusting = { secret, ...certified.trusting };
        return {
          master: [masterPort, { secret, role: "master" }],
          masterAsReplica: [masterPort, { secret, role: "replica" }, /^it is a master, expected a/],
          replica: [replicaPort, { secret, role: "replica", maxLagSeconds: 2 }],
          replicaAsMaster: [
            replicaPort,
            { secret, role: "master" },
            /^it is a replica, expected a/,
          ],
          user: [masterPort, { secret, user: "watcher" }],
          noPassword: [masterPort, {}, /^PING: NOAUTH .*; name the secret/],
          wrongPassword: [masterPort, { secret: "wrong" }, /^AUTH: WRONGPASS /],
          loading: [
            await talker("-LOADING Redis is loading the dataset in memory\r\n"),
            {},
            /^PING: LOADING /,
          ],
          ...(await strangers("redis", "answer to PING", masterPort)),
          ...certificateLooks(tlsPort, certified, { secret }),
          withoutTls: [
            masterPort,
            trusting,
            /wrong version number|disconnected|no connection within/,
          ],
          tlsDemanded: [tlsPort, { secret }, /closed the connection|broke the connection off/],
          certificate: [mutualPort, { ...trusting, ...shown }],
          certificateMissing: [mutualPort, trusting, /certificate required/],
        };
      },
    );

    test("publishes how many replicas there are, and how far they are behind", async () => {
      const { metrics } = await redis.project.waitFor("a connected replica", async () => {
        const report = await redis.project.report("master");
        return report.metrics.some(
          ({ name, value }) => name === "redis_connected_replicas" && value === 1,
        )
          ? report
          : undefined;
      });
      assert.ok(metrics.some(({ name }) => name === "redis_replication_lag_bytes"));
    });

    test("a certificate that has expired makes it down, until there is a new one", async () => {
      const change = (certificate: string, key: string): void => {
        const connection = `-p ${masterPort} -a ${PASSWORD} --no-auth-warning`;
        const files = `tls-cert-file ${certificate} tls-key-file ${key}`;
        redis.folder.run("redis-cli", `${connection} config set ${files}`.split(" "));
      };
      change(certified.expired, certified.expiredKey);
      await redis.becomes("tls", "down", /certificate has expired/);
      change(certified.certificate, certified.key);
      await redis.becomes("tls", "up");
    });

    test("a master that hangs is down, its replica too when it has been silent for too long; both come back", async () => {
      await redis.becomes("replica", "up");
      master.hang();
      await redis.becomes("master", "down", /^no answer to \w+ within 600 ms/);
      await redis.becomes(
        "replica",
        "down",
        /^its master has been silent for \d+ s, expected at most 2 s/,
      );
      master.resume();
      await redis.becomes("master", "up");
      await redis.becomes("replica", "up");
    });

    test("a master that ends is down, and the replica's link with it", async () => {
      await master.stop();
      await redis.becomes("master", "down", /the connection is refused/);
      await redis.becomes("replica", "down", /^its link to the master has been down for \d+ s/);
    });
  },
);
