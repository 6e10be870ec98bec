/** caching_sha2_password, the default of MySQL 8, as the daemon runs the checker, with a server that stands for MySQL. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createAuthority } from "../../../runtime/test/sandbox/certificates.ts";
import { SERVER_NAME } from "../../certified.ts";
import { suite } from "../../suite.ts";
import type { Sha2Server } from "./sha2-server.ts";
import { startSha2Server } from "./sha2-server.ts";

const PASSWORD = "correct horse größe";
const DENIED = /^the login: Access denied \(1045\)/;
const REFUSED = /wants the password itself, which is sent only with options\.tls$/;

describe("the mysql checker, with caching_sha2_password", () => {
  const servers: Sha2Server[] = [];
  after(() => servers.forEach((server) => server.stop()));

  const mysql = suite(
    "mysql",
    {
      secrets: { mysql: PASSWORD, wrong: "not this one" },
      options: { user: "watcher", secret: "mysql", role: "primary" },
    },
    async ({ folder }) => {
      const authority = createAuthority("Test Authority");
      const ca = folder.write("ca.pem", authority.ca);
      const start = async (remembers: boolean): Promise<number> => {
        const login = { user: "watcher", password: PASSWORD };
        const server = await startSha2Server(
          login,
          authority.issue(`DNS:${SERVER_NAME}`),
          remembers,
        );
        servers.push(server);
        return server.port;
      };
      const [forgetful, remembering] = [await start(false), await start(true)];
      const tls = { tls: true, ca, serverName: SERVER_NAME };
      return {
        full: [forgetful, tls],
        unverified: [forgetful, { tls: true, verify: false }],
        wrongPassword: [forgetful, { ...tls, secret: "wrong" }, DENIED],
        otherUser: [forgetful, { ...tls, user: "other" }, DENIED],
        untrusted: [forgetful, { tls: true }, /unable to verify the first certificate/],
        opportunistic: [forgetful, {}, REFUSED],
        plain: [forgetful, { opportunisticTls: false }, REFUSED],
        // After the first login over TLS the others need no password.
        first: [remembering, tls],
        known: [remembering, { opportunisticTls: false }],
        knownOverTls: [remembering, {}],
      };
    },
  );

  test("the password crosses the network over TLS alone, and a server that knows it is not sent it again", async () => {
    const [forgetful, remembering] = servers;
    assert.ok((forgetful?.passwords.overTls ?? 0) > 0);
    assert.equal(forgetful?.passwords.withoutTls, 0);
    assert.equal(remembering?.passwords.withoutTls, 0);
    const before = remembering.passwords.overTls;
    const runs = async (): Promise<number> => (await mysql.project.report("first")).runs;
    const enough = (await runs()) + 3;
    await mysql.project.waitFor("three further runs", async () =>
      (await runs()) >= enough ? true : undefined,
    );
    assert.equal(remembering.passwords.overTls, before);
  });
});
