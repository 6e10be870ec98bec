import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createConnections } from "./connect.ts";

describe("connect, whatever the DNS says", () => {
  const server = createServer((socket) => socket.end());
  let port = 0;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  const open = (host: string, address: string, net: readonly string[]): Promise<unknown> => {
    const ended = new AbortController();
    return createConnections(net, async () => [{ address, family: 4 }])
      .open({ target: `${host}:${port}`, tls: null }, AbortSignal.timeout(5000), ended.signal)
      .finally(() => ended.abort());
  };

  test("a granted name that leads to this host is refused, with what to grant", async () => {
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
      await assert.rejects(
        open("rebound.example", address, [`rebound.example:${port}`]),
        /not permitted: rebound\.example leads to .*, which a name may not lead to/,
      );
  });

  test("localhost, and a name with the address granted as well, lead here", async () => {
    await open("localhost", "127.0.0.1", [`localhost:${port}`]);
    await open("named.example", "127.0.0.1", [`named.example:${port}`, `127.0.0.1:${port}`]);
  });
});
