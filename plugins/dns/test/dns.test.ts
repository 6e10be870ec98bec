/** The dns checker and a real Unbound: healthy, with other records, refusing, slow, hung and stopped. */
import assert from "node:assert/strict";
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import type { Server } from "../../testing.ts";
import {
  becomes,
  freePort,
  noIPv6,
  noUnbound,
  serveDns,
  temporaryFolder,
  withProject,
} from "../../testing.ts";

const SLOW_MS = 800;

describe("the dns checker", { skip: noUnbound }, () => {
  const folder = temporaryFolder();
  let port: number;
  let refusingPort: number;
  let server: Server;
  let refusing: Server;
  let slow: Socket;

  before(async () => {
    port = await freePort();
    refusingPort = await freePort();
    server = serveDns(folder.path, port, "allow");
    refusing = serveDns(folder.path, refusingPort, "refuse");
    slow = await slowWayTo(port);
  });
  after(async () => {
    slow.close();
    await Promise.all([server.stop(), refusing.stop()]);
    folder.remove();
  });

  const check = (
    name: string,
    serverPort: number,
    options: object,
    address = "127.0.0.1",
  ): string =>
    `${name}: { plugin: "@karuntime/dns", target: "${address}:${serverPort}", interval: "100ms", timeout: "500ms", options: ${JSON.stringify({ name: "www.example.test", ...options })} },`;

  test("is up for what the server knows, and says what is wrong", () =>
    withProject(
      `checks: {
        ${check("known", port, {})}
        ${check("same", port, { answer: "192.0.2.81" })}
        ${check("mail", port, { name: "example.test", type: "MX", answer: "10 mail.example.test" })}
        ${check("unknown", port, { name: "none.example.test", rcode: "NXDOMAIN" })}
        ${check("other", port, { answer: "192.0.2.99" })}
        ${check("gone", port, { name: "none.example.test" })}
        ${check("refused", refusingPort, {})}
        ${check("slow", slow.address().port, {})}
      },`,
      async (project) => {
        for (const name of ["known", "same", "mail", "unknown"]) await becomes(project, name, "up");
        await becomes(
          project,
          "other",
          "down",
          /^it has 192\.0\.2\.8[01], 192\.0\.2\.8[01], expected 192\.0\.2\.99$/,
        );
        await becomes(project, "gone", "down", /^it says NXDOMAIN, expected NOERROR$/);
        await becomes(project, "refused", "down", /^it says REFUSED/);
        await becomes(project, "slow", "timed out");
      },
    ));

  test("is up over IPv6 as well", { skip: noIPv6 }, () =>
    withProject(`checks: { ${check("known", port, {}, "[::1]")} },`, (project) =>
      becomes(project, "known", "up"),
    ),
  );

  test("is down while the server hangs, and when it has ended", () =>
    withProject(`checks: { ${check("known", port, {})} },`, async (project) => {
      await becomes(project, "known", "up");
      server.signal("SIGSTOP");
      await becomes(project, "known", "timed out");
      server.signal("SIGCONT");
      await becomes(project, "known", "up");
      await server.stop();
      await becomes(project, "known", "down", /nobody listens there/);
      assert.equal((await project.report("known")).denied, 0);
    }));
});

/** Hands datagrams on to a port of this host, and the answers back after a while. */
async function slowWayTo(port: number): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.on("message", (message, asker) => {
    if (asker.port !== port) {
      const relay = createSocket("udp4");
      relay.on("message", (answer) => {
        relay.close();
        setTimeout(() => {
          try {
            socket.send(answer, asker.port, asker.address);
          } catch {
            // The test is over.
          }
        }, SLOW_MS);
      });
      relay.send(message, port, "127.0.0.1");
    }
  });
  return socket;
}
