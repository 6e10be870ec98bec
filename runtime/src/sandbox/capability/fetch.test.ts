import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createFetcher } from "./fetch.ts";

describe("fetch, whatever the DNS says", () => {
  const server = createServer((request, response) => {
    if (request.url === "/away")
      response.writeHead(302, { location: `http://rebound.example:${port}/` });
    response.end("here");
  });
  let port = 0;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => server.close());

  const get = (url: string, net: readonly string[], addresses: readonly string[]) =>
    createFetcher(net, async () =>
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    ).fetch({ url, method: "GET", redirect: "follow" }, AbortSignal.timeout(5000));

  test("a granted name that leads to this host is refused, with what to grant", async () => {
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
      await assert.rejects(
        get(`http://rebound.example:${port}/`, [`rebound.example:${port}`], [address]),
        /not permitted: rebound\.example leads to .*, which a name may not lead to/,
      );
  });
  test("the connection is made to the address that was looked at", async () => {
    const net = [`rebound.example:${port}`, `127.0.0.1:${port}`];
    const answer = await get(`http://rebound.example:${port}/`, net, ["169.254.1.1", "127.0.0.1"]);
    assert.equal(answer.body, "here");
  });
  test("localhost leads to this host", async () => {
    const answer = await get(`http://localhost:${port}/`, [`localhost:${port}`], ["127.0.0.1"]);
    assert.equal(answer.body, "here");
  });
  test("so is a redirect to such a name", async () => {
    await assert.rejects(
      get(
        `http://localhost:${port}/away`,
        [`localhost:${port}`, `rebound.example:${port}`],
        ["127.0.0.1"],
      ),
      /rebound\.example leads to 127\.0\.0\.1/,
    );
  });
  test("other ways to write an address are the address", async () => {
    const net = [`127.0.0.1:${port}`];
    for (const host of ["2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
      assert.equal((await get(`http://${host}:${port}/`, net, [])).body, "here");
    for (const url of [
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://127.0.0.1:${port}@rebound.example/`,
      `http://rebound.example#@127.0.0.1:${port}/`,
      `http://127.0.0.2:${port}/`,
      `http://127.0.0.1:${port}0/`,
    ])
      await assert.rejects(get(url, net, ["127.0.0.1"]), /not permitted|is not a URL/, url);
  });
});
