import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
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

describe("connect, and what a plugin asks of a number", () => {
  let said = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => (said += data.toString("latin1")));
  });
  let target = "";
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("while it begins with TLS nothing goes out in plain text, and afterwards the old number is nobody's", async () => {
    const ended = new AbortController();
    const given = new AbortController();
    const connections = createConnections([target]);
    const opening = { target, tls: null };
    const { id } = await connections.open(opening, AbortSignal.timeout(5000), ended.signal);
    const upgrading = connections.startTls(id, { tls: {}, alpn: ["x"] }, given.signal);
    await assert.rejects(connections.read(id, undefined, given.signal), /connection is closed/);
    assert.throws(() => void connections.write(id, "secret"), /connection is closed/);
    assert.throws(() => void connections.end(id), /connection is closed/);
    connections.close(id);
    given.abort();
    await assert.rejects(upgrading, /connect: TLS: it was given up/);
    assert.throws(() => void connections.write(id, "secret"), /connection is closed/);
    assert.doesNotMatch(said, /secret/);
    ended.abort();
  });

  test("a connection that begins with TLS counts among those that are open", async () => {
    const ended = new AbortController();
    const given = new AbortController();
    const connections = createConnections([target]);
    const open = () =>
      connections.open({ target, tls: null }, AbortSignal.timeout(5000), ended.signal);
    const upgrading: Promise<unknown>[] = [];
    for (let count = 0; count < 8; count++) {
      const { id } = await open();
      upgrading.push(connections.startTls(id, {}, given.signal));
    }
    await assert.rejects(open, /more than 8 connections at a time/);
    given.abort();
    await Promise.allSettled(upgrading);
    await open();
    ended.abort();
  });

  test("the protocols to offer are few and short", async () => {
    for (const alpn of [["x".repeat(256)], [""], [5], Array(17).fill("x")])
      await assert.rejects(
        createConnections([target]).open(
          { target, tls: null, alpn },
          AbortSignal.timeout(5000),
          AbortSignal.timeout(5000),
        ),
        /connect: alpn: expected at most 16 names of 1 to 255 octets/,
      );
  });
});
