/** The checker against nginx, well and sick, and against servers that nginx could not play. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createAuthority } from "../../../runtime/test/sandbox/certificates.ts";
import type { Case, Use } from "../../cases.ts";
import { createServers, judgeCases, watchCase } from "../../cases.ts";
import type { Nginx } from "../../nginx/test/server.ts";
import { createNginx, withoutNginx } from "../../nginx/test/server.ts";
import { freePort } from "../../testing.ts";

const PASSWORD = "open sesame";
/** As md5sum and sha256sum print them for the page. */
const MD5 = "78ea892ce6d8fa3e227b5bbce8c7cd65";
const SHA_256 = "a39ddceaa648b1fa6212e191d7c6593804173dcf74c053a28e52c82f62ea906f";
const authority = createAuthority("Test Authority");
const client = authority.issue("DNS:lb1.example.com");
const OTHER_KEY = authority.issue("DNS:lb1.example.com").key;

type Options = Readonly<Record<string, unknown>>;

/** A use of the checker, granted what these options need. */
function use(port: number, options: Options = {}): Use {
  const { ca, certificate, passwordSecret, keySecret } = options;
  const grant = {
    files: [ca, certificate].filter((file) => file !== undefined),
    secrets: [passwordSecret, keySecret].filter((secret) => secret !== undefined),
  };
  const target = `127.0.0.1:${port}`;
  return { plugin: "@karuntime/http", target, options: { timeoutMs: 3000, ...options }, grant };
}

const judge = (
  cases: Readonly<Record<string, { options?: Options; port?: number; reason: Case[1] }>>,
  port: number,
): Promise<void> =>
  judgeCases(
    Object.fromEntries(
      Object.entries(cases).map(([name, { options, port: own = port, reason }]) => [
        name,
        [use(own, options), reason],
      ]),
    ),
    `secrets: ${JSON.stringify({ web: PASSWORD, key: client.key, otherKey: OTHER_KEY })},`,
  );

describe("the http checker, of nginx,", { skip: withoutNginx }, () => {
  let nginx: Nginx;
  let tls: Nginx;
  before(async () => {
    nginx = await createNginx(
      (port) => `
      server {
        listen 127.0.0.1:${port} default_server;
        listen [::1]:${port};
        location / { return 200 "the page\\n"; }
        location /away { return 302 http://127.0.0.2/; }
        location /sick { return 503 "draining"; }
        location /private { auth_basic private; auth_basic_user_file users; root .; }
        location /key { if ($http_x_key = "") { return 403; } return 200 $http_x_key; }
        location /method { return 200 $request_method; }
      }
      server {
        listen 127.0.0.1:${port};
        server_name www.example.com;
        location / { return 200 "the virtual host"; }
      }`,
      { users: `monitor:{PLAIN}${PASSWORD}\n`, private: "for the monitor only" },
    );
    const good = authority.issue("DNS:www.example.com");
    const expired = authority.issue("DNS:old.example.com", -1);
    const mutual = authority.issue("DNS:mutual.example.com");
    tls = await createNginx(
      (port) => `
      server {
        listen 127.0.0.1:${port} ssl default_server;
        ssl_certificate good.pem; ssl_certificate_key good.key; ssl_protocols TLSv1.2;
        return 200 $ssl_server_name;
      }
      server {
        listen 127.0.0.1:${port} ssl;
        server_name old.example.com;
        ssl_certificate expired.pem; ssl_certificate_key expired.key;
        return 200 expired;
      }
      server {
        listen 127.0.0.1:${port} ssl;
        server_name mutual.example.com;
        ssl_certificate mutual.pem; ssl_certificate_key mutual.key;
        ssl_verify_client on; ssl_client_certificate ca.pem;
        return 200 $ssl_client_s_dn;
      }`,
      {
        "ca.pem": authority.ca,
        "good.pem": good.cert,
        "good.key": good.key,
        "expired.pem": expired.cert,
        "expired.key": expired.key,
        "mutual.pem": mutual.cert,
        "mutual.key": mutual.key,
        "client.pem": client.cert,
      },
    );
    await Promise.all([nginx.start(), tls.start()]);
  });
  after(async () => {
    await nginx.remove();
    await tls.remove();
  });

  test("likes what is as expected", () =>
    judge(
      {
        plain: { reason: "" },
        several: { options: { paths: ["/", "/method", "/?a=b"] }, reason: "" },
        host: { options: { host: "www.example.com", match: "^the virtual host$" }, reason: "" },
        redirect: { options: { paths: ["/away"], status: ["200-299", "302"] }, reason: "" },
        md5: { options: { digests: [MD5] }, reason: "" },
        sha256: { options: { digests: ["0".repeat(64), SHA_256] }, reason: "" },
        header: {
          options: { paths: ["/key"], headers: ["X-Key: 42"], match: "^42$" },
          reason: "",
        },
        login: {
          options: { paths: ["/private"], user: "monitor", passwordSecret: "web", match: "only$" },
          reason: "",
        },
        head: { options: { method: "HEAD" }, reason: "" },
        post: { options: { paths: ["/method"], method: "POST", match: "POST" }, reason: "" },
      },
      nginx.port,
    ));

  test("knows IPv6", () => {
    const { port } = nginx;
    return judgeCases({ ipv6: [{ ...use(port, { match: "page" }), target: `[::1]:${port}` }, ""] });
  });

  test("tells what is not", () =>
    judge(
      {
        sick: {
          options: { paths: ["/", "/sick"] },
          reason: "/sick: it answered 503, expected 200-299",
        },
        redirect: {
          options: { paths: ["/away"] },
          reason: "/away: it answered 302, expected 200-299",
        },
        content: { options: { match: "virtual" }, reason: "/: the body does not match /virtual/" },
        digest: {
          options: { digests: ["0".repeat(32)] },
          reason: `/: the body is another: its MD5 is ${MD5}, its SHA-256 ${SHA_256}`,
        },
        login: {
          options: { paths: ["/private"], user: "monitor" },
          reason: "/private: it answered 401, expected 200-299",
        },
        option: { options: { status: ["2xx"] }, reason: /^status: found "2xx", expected a code/ },
      },
      nginx.port,
    ));

  test("looks at certificates", () => {
    const ca = `${tls.folder}/ca.pem`;
    const good = { tls: true, host: "www.example.com", ca };
    return judge(
      {
        good: { options: { ...good, match: "^www.example.com$" }, reason: "" },
        named: {
          options: { ...good, host: "", serverName: "www.example.com" },
          reason: "",
        },
        unverified: { options: { tls: true, verify: false }, reason: "" },
        expired: {
          options: { ...good, host: "old.example.com" },
          reason: /^\/: fetch: 127\.0\.0\.1:\d+: certificate has expired$/,
        },
        unknown: {
          options: { ...good, ca: undefined },
          reason: /unable to verify the first certificate/,
        },
        name: {
          options: { ...good, host: "web.example.com" },
          reason: /does not match certificate's altnames/,
        },
        version: { options: { ...good, minVersion: "TLSv1.3" }, reason: /alert protocol version/ },
        plain: { options: {}, reason: "/: it answered 400, expected 200-299" },
        tls: { options: { ...good }, port: nginx.port, reason: /wrong version number/ },
      },
      tls.port,
    );
  });

  test("shows a certificate of its own", () => {
    const mutual = { tls: true, host: "mutual.example.com", ca: `${tls.folder}/ca.pem` };
    const certificate = `${tls.folder}/client.pem`;
    return judge(
      {
        shown: {
          options: { ...mutual, certificate, keySecret: "key", match: "^CN=lb1.example.com$" },
          reason: "",
        },
        none: { options: mutual, reason: "/: it answered 400, expected 200-299" },
        half: {
          options: { ...mutual, certificate },
          reason: /^options.certificate and options.keySecret are needed together/,
        },
        otherKey: {
          options: { ...mutual, certificate, keySecret: "otherKey" },
          reason: /tls: expected ca, certificate and key in PEM, and the key of that certificate/,
        },
      },
      tls.port,
    );
  });

  test("sees it hang, come back and stop", () =>
    watchCase(use(nginx.port, { timeoutMs: 300 }), async (becomes) => {
      await becomes("up");
      nginx.pause();
      assert.equal((await becomes("down")).reason, "/: no answer within 300 ms");
      nginx.resume();
      await becomes("up");
      await nginx.stop();
      assert.match((await becomes("down")).reason, /: the connection is refused$/);
      await nginx.start();
      await becomes("up");
    }));
});

describe("the http checker", () => {
  const servers = createServers();
  after(() => servers.close());

  /** A server that says this to whoever asks, and perhaps ends the connection. */
  const sayer = (text: string, ends: boolean): Promise<number> =>
    servers.listen((socket) =>
      socket.once("data", () => (ends ? socket.end(text) : socket.write(text))),
    );

  test("waits as long as it may", async () => {
    const slow = await servers.listen((socket) =>
      socket.once("data", () => setTimeout(() => socket.end("HTTP/1.0 204 Fine\r\n\r\n"), 500)),
    );
    await judge(
      {
        patient: { reason: "" },
        hasty: { options: { timeoutMs: 100 }, reason: "/: no answer within 100 ms" },
      },
      slow,
    );
  });

  test("is not fooled by half an answer, none, or one of another protocol", async () => {
    const half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe be";
    await judge(
      {
        broken: { port: await sayer(half, true), reason: /^\/: other side closed$/ },
        halfOpen: {
          port: await sayer(half, false),
          options: { timeoutMs: 300 },
          reason: "/: no answer within 300 ms",
        },
        silent: { port: await sayer("", true), reason: /^\/: other side closed$/ },
        stranger: {
          port: await sayer("220 mail.example.com ESMTP\r\n", false),
          reason: /^\/: .*Expected HTTP/,
        },
        nobody: { port: await freePort(), reason: /: the connection is refused$/ },
      },
      0,
    );
  });
});
