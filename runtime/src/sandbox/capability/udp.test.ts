import assert from "node:assert/strict";
import type { RemoteInfo, Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { createDatagrams } from "./udp.ts";

describe("udp", () => {
  let server: Socket;
  let stranger: Socket;
  let here = "";

  before(async () => {
    server = createSocket("udp4");
    stranger = createSocket("udp4");
    server.on("message", (message: Buffer, from: RemoteInfo) => {
      const text = message.toString("latin1");
      if (text === "large") server.send(Buffer.alloc(60_000, "x"), from.port, from.address);
      else if (text === "stranger") {
        stranger.send("forged", from.port, from.address, () =>
          setTimeout(() => server.send("true", from.port, from.address), 50),
        );
      } else if (text !== "silent") server.send(message, from.port, from.address);
    });
    for (const socket of [server, stranger]) {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    }
    here = `127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.close();
    stranger.close();
  });

  const send = (
    octets: string,
    given: { timeoutMs?: number; answer?: boolean; target?: string } = {},
    signal = new AbortController().signal,
  ): Promise<string | null> =>
    createDatagrams([here]).exchange(
      { target: here, octets, timeoutMs: 2000, answer: true, ...given },
      signal,
    );

  test("every octet arrives, and the first answer comes back", async () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, index) => index));
    assert.equal(await send(all), all);
    assert.equal(await send(""), "");
  });

  test("what comes from elsewhere is no answer", async () => {
    assert.equal(await send("stranger"), "true");
  });

  test("a large answer is taken, a datagram of more than 8 KiB is not sent", async () => {
    assert.equal((await send("large"))?.length, 60_000);
    await assert.rejects(send("x".repeat(8193)), /^Error: udp: found 8193 bytes, expected at most/);
  });

  test("without an answer it ends by its own time, or by the signal", async () => {
    await assert.rejects(
      send("silent", { timeoutMs: 50 }),
      /^Error: udp: 127\.0\.0\.1:\d+: no answer within 50 ms$/,
    );
    await assert.rejects(send("silent", {}, AbortSignal.timeout(50)), /it was given up/);
    await assert.rejects(send("silent", {}, AbortSignal.abort()), /aborted/);
  });

  test("with answer: false it waits for none", async () => {
    const heard = once(server, "message");
    assert.equal(await send("silent", { answer: false }), null);
    assert.equal(String((await heard)[0]), "silent");
  });

  test("a port where nobody listens is an error in words", async () => {
    const closed = createSocket("udp4");
    closed.bind(0, "127.0.0.1");
    await once(closed, "listening");
    const target = `127.0.0.1:${closed.address().port}`;
    closed.close();
    await assert.rejects(
      createDatagrams([target]).exchange(
        { target, octets: "x", timeoutMs: 2000, answer: true },
        new AbortController().signal,
      ),
      /^Error: udp: 127\.0\.0\.1:\d+: nobody listens there: the port is unreachable$/,
    );
  });

  test("no more than 16 at a time", async () => {
    const ended = new AbortController();
    const datagrams = createDatagrams([here]);
    const one = () =>
      datagrams.exchange(
        { target: here, octets: "silent", timeoutMs: 2000, answer: true },
        ended.signal,
      );
    const all = Promise.allSettled(Array.from({ length: 16 }, one));
    await assert.rejects(one(), /more than 16 at a time/);
    ended.abort();
    assert.ok((await all).every(({ status }) => status === "rejected"));
  });

  test("another place is denied, and a name that leads to this host", async () => {
    await assert.rejects(
      send("x", { target: "127.0.0.1:9" }),
      /not permitted: to send datagrams to 127\.0\.0\.1:9, add it to the plugin: permissions: \{ udp: \["127\.0\.0\.1:9"\] \}/,
    );
    await assert.rejects(send("x", { target: "nonsense" }), /expected "host:port"/);
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"])
      await assert.rejects(
        createDatagrams(["rebound.example:9"], async () => [{ address, family: 4 }]).exchange(
          { target: "rebound.example:9", octets: "x", timeoutMs: 100, answer: true },
          new AbortController().signal,
        ),
        /not permitted: rebound\.example leads to .*, which a name may not lead to/,
      );
  });
});
