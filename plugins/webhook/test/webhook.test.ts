/** The webhook notifier and a web server: what arrives, and a server that fails, redirects, hangs, is not there. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, beforeEach, describe, test } from "node:test";
import { freePort, tell, tellDown, withProject } from "../../testing.ts";

const SECRET = "Bearer correct-horse";

describe("the webhook notifier", () => {
  const received: { readonly headers: IncomingMessage["headers"]; readonly body: unknown }[] = [];
  /** What the server does with the next requests; 204 when there is nothing. */
  let script: ((response: ServerResponse) => void)[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body: JSON.parse(body) });
      (script.shift() ?? ((given) => given.writeHead(204).end()))(response);
    });
  });
  let place = "";

  before(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    received.length = 0;
    script = [];
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const parts = (options: object, secret = false): string => `
    secrets: { hook: ${JSON.stringify(SECRET)} },
    mail: { server: "127.0.0.1", from: "a@example.com", to: ["b@example.com"], routerName: "lb1" },
    notify: [{
      plugin: "@karuntime/webhook",
      grant: { net: ["${place}"], secrets: ${secret ? '["hook"]' : "[]"} },
      options: ${JSON.stringify({ url: `http://${place}/events`, ...options })},
    }],`;
  const statuses = (...codes: readonly number[]) =>
    codes.map((code) => (response: ServerResponse) => void response.writeHead(code).end());

  test("posts the event, or a sentence for Slack", async () => {
    await withProject(parts({}), async (project) => {
      await tell(project, "master", 5);
      assert.deepEqual(received[0]?.body, {
        sequence: 5,
        subject: { type: "virtual-router", name: "VI_1" },
        event: "master",
        state: "master",
        priority: 120,
        at: "2026-01-31T12:00:00.000Z",
        routerName: "lb1",
      });
      assert.equal(received[0]?.headers["content-type"], "application/json");
      assert.equal(received[0]?.headers["authorization"], undefined);
    });
    await withProject(parts({ format: "slack" }), async (project) => {
      await tell(project, "fault");
      assert.deepEqual(received[1]?.body, {
        text: "virtual router VI_1 on lb1 is fault (2026-01-31T12:00:00.000Z)",
      });
    });
  });

  test("posts what happens to real servers and their quorum", () =>
    withProject(parts({}), async (project) => {
      await tellDown(project, 6);
      const common = { at: "2026-01-31T12:00:00.000Z", routerName: "lb1" };
      assert.deepEqual(
        received.map(({ body }) => body),
        [
          {
            ...common,
            sequence: 6,
            subject: {
              type: "real-server",
              name: "192.0.2.11:80",
              address: "192.0.2.11",
              port: 80,
              virtualServer: "web",
            },
            event: "down",
            weight: 1,
            reason: "it answered 503",
          },
          {
            ...common,
            sequence: 7,
            subject: { type: "virtual-server", name: "web" },
            event: "quorum-down",
            weight: 0,
            quorum: 1,
            hysteresis: 0,
          },
        ],
      );
    }));

  test("sends a secret along, which no log shows, also when it fails", () =>
    withProject(parts({ secret: "hook", header: "x-token" }, true), async (project) => {
      script = statuses(500);
      await tell(project, "master");
      assert.deepEqual(
        received.map(({ headers }) => headers["x-token"]),
        [SECRET, SECRET],
      );
      assert.ok(!JSON.stringify(project.lines).includes(SECRET));
    }));

  test("has the event come again until the server takes it", () =>
    withProject(parts({}), async (project) => {
      script = statuses(503, 404);
      await tell(project, "backup", 9);
      assert.deepEqual(
        received.map(({ body }) => (body as { readonly sequence: number }).sequence),
        [9, 9, 9],
      );
    }));

  test("follows no redirect, and fails after the third attempt", () =>
    withProject(parts({}), async (project) => {
      const redirect = (response: ServerResponse): void =>
        void response.writeHead(307, { location: `http://${place}/elsewhere` }).end();
      script = [redirect, redirect, redirect];
      await assert.rejects(tell(project, "master"), /redirect/);
      assert.equal(received.length, 3);
    }));

  test("gives a hung server up, and fails without one", async () => {
    await withProject(parts({ waitMs: 200 }), async (project) => {
      script = Array.from({ length: 3 }, () => () => undefined);
      await assert.rejects(tell(project, "master"), /no answer within 200 ms/);
    });
    const closed = await freePort();
    await withProject(
      parts({ url: `http://127.0.0.1:${closed}/` }).replace(
        `net: ["${place}"]`,
        `net: ["127.0.0.1:${closed}"]`,
      ),
      (project) => assert.rejects(tell(project, "master"), /refused/i),
    );
  });
});
