/** A connection as a Socket of the WinterTC's sockets API: how it opens, ends, goes on within TLS, and what it fails with. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";
import type { WordServer } from "./word-server.ts";
import { startWordServer } from "./word-server.ts";

describe("a socket", () => {
  let host: TestHost;
  let server: WordServer;
  let seen: WordServer["seen"];
  let place = "";
  let tlsPlace = "";
  before(async () => {
    [host, server] = await Promise.all([startHost(), startWordServer()]);
    ({ place, tlsPlace, seen } = server);
  });
  after(async () => {
    host.stop();
    server.close();
    await stopBundler();
  });

  const run = (body: string, net: readonly string[] = [place, tlsPlace]): Promise<string> =>
    host.judge(body, JSON.stringify({ net }));
  /** Logs of what nobody caught, and hosts that had to be replaced. */
  const complaints = () =>
    host.messages.filter(
      (message) =>
        message.type === "recycle" || (message.type === "log" && message.level === "error"),
    );

  test("close ends both streams, also of a connection that is not open yet", async () => {
    const body = `
      const outcomes = [];
      const say = (promise) => promise.then((value) => outcomes.push(value?.done ?? "done"), (error) => outcomes.push(error.message ?? error));
      for (const wait of [true, false]) {
        const socket = connect("${place}");
        if (wait) await socket.opened;
        const reader = socket.readable.getReader();
        const writer = socket.writable.getWriter();
        const all = [say(reader.read()), say(writer.closed), wait ? say(socket.close()) : say(socket.close("never mind")), say(socket.opened.then(() => "open")), say(socket.closed)];
        if (socket.close() !== socket.closed) return down("another promise");
        await Promise.all(all);
      }
      return down(outcomes.toSorted().join(" | "));`;
    const closed = "SocketError: connect: the connection is closed";
    assert.equal(
      await run(body),
      [closed, "done", "done", "done", "done", "done", "never mind", "never mind", "true", "true"]
        .toSorted()
        .join(" | "),
    );
  });

  test("a connection that fails says so wherever it is asked, and nowhere else", async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const refused = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
    await new Promise((resolve) => probe.close(resolve));
    const before = complaints().length;
    const body = (target: string) => `
      connect("${target}");
      void connect("${target}").readable;
      const socket = connect("${target}");
      const reader = socket.readable.getReader();
      const writer = socket.writable.getWriter();
      const errors = [];
      for (const work of [() => reader.read(), () => writer.write("x"), () => writer.closed, () => reader.closed, () => socket.opened, () => socket.closed, () => socket.close(), () => connect("${target}").startTls().opened])
        await work().then(() => errors.push("nothing"), (error) => errors.push(error));
      if (!errors.every((error) => error instanceof TypeError && error.message === errors[0].message)) return down(errors.join(" | "));
      const awaited = await connect("${target}").catch((error) => error);
      await new Promise((done) => setTimeout(done, 20));
      return down(errors[0].message + " | " + awaited.message + " | " + (awaited instanceof TypeError));`;
    const refusal = `connect: ${refused}: the connection is refused`;
    assert.equal(
      await run(body(refused), [refused]),
      `SocketError: ${refusal} | ${refusal} | false`,
    );
    const denial = `not permitted: to connect to ${refused}, add it to the plugin: permissions: { net: ["${refused}"] }`;
    assert.equal(await run(body(refused)), `SocketError: ${denial} | ${denial} | false`);
    assert.match(await run(`await connect("${refused}").opened;`, [refused]), /refused.*\.ts:\d/);
    assert.deepEqual(complaints().slice(before), []);
  });

  test("goes on within TLS after startTls, as a socket of its own", async () => {
    const begin = `
      const plain = connect("${place}", { secureTransport: "starttls", sni: "starttls.example.test" });
      const reader = plain.readable.getReader();
      const writer = plain.writable.getWriter();
      await writer.write("STARTTLS");
      await reader.read();`;
    const body = `${begin}
      const pending = reader.read();
      const secure = plain.startTls(${JSON.stringify({ ca: server.ca })});
      const sending = secure.writable.getWriter();
      sending.write("secret");
      const { value } = await secure.readable.getReader().read();
      await plain.closed;
      const old = await writer.write("in plain text").catch((error) => error.message);
      return down([new TextDecoder().decode(value), (await pending).done, plain.upgraded, secure.upgraded, plain.secureTransport, secure.secureTransport, (await secure).certificate.names, old].join());`;
    assert.equal(
      await run(body),
      "within TLS: secret,true,true,false,starttls,on,DNS:starttls.example.test,SocketError: connect: the connection is closed",
    );
    const untrusted = `${begin}
      const secure = plain.startTls();
      const errors = [];
      for (const work of [() => secure.opened, () => secure.closed, () => secure.readable.getReader().read(), () => secure])
        await work().catch((error) => errors.push(/issuer|self-signed|verify/i.test(error.message)));
      return down(errors.join());`;
    assert.equal(await run(untrusted), "true,true,true,true");
    const unread = `
      const plain = connect("${place}");
      await plain.writable.getWriter().write("STARTTLS");
      const reader = plain.readable.getReader();
      reader.read().catch(() => {});
      reader.releaseLock();
      await new Promise((done) => setTimeout(done, 100));
      await plain.startTls();`;
    assert.match(await run(unread), /the other side said more before TLS than was read/);
  });

  test("lets its streams and the connection's own methods take turns", async () => {
    const body = `
      const connection = await connect("${place}");
      await connection.write("LINES a\\r\\n");
      const reader = connection.readable.getReader();
      const errors = [];
      for (const work of [() => connection.read(), () => connection.readUntil("x"), () => connection.expect("x")])
        await work().catch((error) => errors.push(error.message));
      const { value } = await reader.read();
      reader.releaseLock();
      const begun = new TextDecoder().decode(value);
      const rest = begun.endsWith("\\n") ? "" : await connection.readUntil("\\r\\n");
      const writer = connection.writable.getWriter();
      await connection.write("x").catch((error) => errors.push(error.message));
      writer.releaseLock();
      await connection.write("b\\r\\n");
      const next = await connection.readUntil("\\r\\n");
      const given = connection.readable.getReader();
      const pending = given.read().catch(() => {});
      given.releaseLock();
      await connection.write("c\\r\\n");
      await connection.read().catch((error) => errors.push(error.message));
      await new Promise((done) => setTimeout(done, 50));
      await connection.read().catch((error) => errors.push(error.message));
      return down([begun + rest + next, new Set(errors).size, errors.length, errors[0], errors[3]].join());`;
    assert.equal(
      await run(body),
      "you said LINES a é you said b é ,2,6,connect: its readable stream is in use: release its lock first,connect: its writable stream is in use: release its lock first",
    );
  });

  test("two reads at a time are answered in their order", async () => {
    const body = `
      const connection = await connect("${place}");
      const both = Promise.all([connection.readUntil("\\n"), connection.readUntil("\\n")]);
      await connection.write("LINES a\\r\\nb\\r\\n");
      return down((await both).join(""));`;
    assert.equal(await run(body), "you said LINES a é you said b é");
  });

  test("a server that says nothing holds a reader until the deadline, and no longer", async () => {
    const source = check(
      `const socket = connect("${place}");
      await socket.writable.getWriter().write("HANG");
      await socket.readable.getReader().read();`,
      JSON.stringify({ net: [place] }),
    );
    await host.load("hangs", source, { intervalMs: 60_000, timeoutMs: 300 });
    assert.match((await host.state("hangs")).reason, /^timed out after \d+ ms/);
    await host.waitFor("the connection's end", () =>
      seen.halfClosed === "HANG" ? true : undefined,
    );
  });
});
