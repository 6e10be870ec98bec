/** The check against an nginx that stops, hangs, is overrun, and is started again. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Use } from "../../cases.ts";
import { judgeCases, watchCase } from "../../cases.ts";
import type { Nginx } from "./server.ts";
import { createNginx, withoutNginx } from "./server.ts";
import { freePort } from "../../testing.ts";

describe("the nginx check", { skip: withoutNginx }, () => {
  let nginx: Nginx;
  before(async () => {
    nginx = await createNginx(
      (port) => `server {
        listen 127.0.0.1:${port};
        location /status { stub_status; }
        location / { return 404; }
      }`,
    );
  });
  after(() => nginx.remove());

  /** @param path of the page to ask for; none: the process is only counted. */
  function use(path: string | undefined, options: Readonly<Record<string, unknown>> = {}): Use {
    const statusUrl = path === undefined ? "" : `http://127.0.0.1:${nginx.port}${path}`;
    const { restart } = options;
    return {
      plugin: "@karuntime/nginx",
      options: { process: nginx.name, statusUrl, timeoutMs: 3000, ...options },
      grant: {
        processes: [nginx.name],
        metrics: true,
        ...(statusUrl === "" ? {} : { net: [`127.0.0.1:${nginx.port}`] }),
        ...(restart === undefined ? {} : { services: { [String(restart)]: ["start"] } }),
      },
    };
  }
  /** What starts it as a daemon. */
  const service = (argv: readonly string[]): string =>
    `services: { web: { start: ${JSON.stringify(argv)} } },`;

  test("sees it hang, come back and stop", async () => {
    await nginx.start();
    await watchCase(use("/status", { timeoutMs: 300 }), async (becomes) => {
      await becomes("up");
      nginx.pause();
      assert.equal((await becomes("down")).reason, "no answer within 300 ms");
      nginx.resume();
      await becomes("up");
      await nginx.stop();
      assert.equal((await becomes("down")).reason, `no process ${nginx.name} runs`);
      await nginx.start();
      await becomes("up");
    });
    await nginx.stop();
  });

  test("counts its connections, and publishes them", async () => {
    await nginx.start();
    const clients: Socket[] = [];
    const calm = { maxActive: 2 };
    await watchCase(use("/status", calm), async (becomes, project) => {
      await becomes("up");
      for (let count = 0; count < 3; count++) clients.push(connect(nginx.port, "127.0.0.1"));
      assert.match(
        (await becomes("down")).reason,
        /^[34] connections are active, expected at most 2$/,
      );
      const { metrics } = await project.report("watched");
      const active = metrics.find(({ name }) => name === "nginx_active_connections");
      assert.ok((active?.value ?? 0) >= 3);
      for (const client of clients) client.destroy();
      await becomes("up");
    });
    await nginx.stop();
  });

  test("tells what is wrong", async () => {
    await nginx.start();
    const closed = `127.0.0.1:${await freePort()}`;
    await judgeCases({
      running: [use(undefined), ""],
      page: [use("/other"), /\/other answered 404$/],
      closed: [
        {
          ...use(undefined, { statusUrl: `http://${closed}/` }),
          grant: { processes: [nginx.name], metrics: true, net: [closed] },
        },
        /: the connection is refused$/,
      ],
    });
    await nginx.stop();
    await judgeCases({ stopped: [use("/status"), `no process ${nginx.name} runs`] });
  });

  test("has it started when it does not run, and says when that fails", async () => {
    const restart = { restart: "web" };
    await judgeCases(
      {
        refused: [
          use("/status", restart),
          /^no process \w+ runs, and web cannot be started: .*false exited with status 1$/,
        ],
      },
      service(["/bin/false"]),
    );
    await judgeCases(
      { idle: [use("/status", restart), `no process ${nginx.name} runs`] },
      service(["/bin/true"]),
    );
    try {
      await judgeCases({ started: [use("/status", restart), ""] }, service(nginx.command));
      await judgeCases({ running: [use("/status"), ""] });
    } finally {
      await nginx.quit();
    }
  });
});
