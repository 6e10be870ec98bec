/** A connection as the WinterTC's sockets API has it: streams, `opened` and `closed`, over real TCP and TLS. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { Authority } from "./certificates.ts";
import { createAuthority } from "./certificates.ts";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";
import type { WordServer } from "./word-server.ts";
import { SENT_BYTES, SENT_PIECE, createWordServer } from "./word-server.ts";

/** What the kernel and the sandbox host may hold of what no plugin reads. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/** Written against the sockets API alone: what code for other runtimes does. */
const LINE_CLIENT = `
  function openLines(socket) {
    const reader = socket.readable.getReader();
    const writer = socket.writable.getWriter();
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    let rest = "";
    return {
      async ask(line) {
        await writer.ready;
        await writer.write(encoder.encode(line + "\\r\\n"));
        for (;;) {
          const end = rest.indexOf("\\r\\n");
          if (end >= 0) {
            const answer = rest.slice(0, end);
            rest = rest.slice(end + 2);
            return answer;
          }
          const { value, done } = await reader.read();
          if (done) throw new Error("the other side has ended");
          rest += decoder.decode(value, { stream: true });
        }
      },
      release() {
        reader.releaseLock();
        writer.releaseLock();
      },
    };
  }`;

describe("a connection's streams", () => {
  let host: TestHost;
  let authority: Authority;
  let server: WordServer;
  let tlsServer: Server;
  let seen: WordServer["seen"];
  let place = "";
  let tlsPlace = "";

  before(async () => {
    host = await startHost();
    authority = createAuthority("a test's own");
    server = createWordServer(authority.issue("DNS:starttls.example.test"));
    ({ seen } = server);
    const issued = authority.issue("DNS:tls.example.test");
    tlsServer = createTlsServer({ ...issued, ALPNProtocols: ["lines/1"] }, server.serve);
    const listen = async (each: Server): Promise<string> => {
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
      return `127.0.0.1:${(each.address() as AddressInfo).port}`;
    };
    [place, tlsPlace] = [await listen(server.server), await listen(tlsServer)];
  });
  after(async () => {
    host.stop();
    server.close();
    tlsServer.close();
    await stopBundler();
  });

  const run = (body: string, net: readonly string[] = [place, tlsPlace]): Promise<string> =>
    host.judge(body, JSON.stringify({ net }));
  const tls = (name: string): string => JSON.stringify({ ca: authority.ca, serverName: name });
  /** Logs of what nobody caught, and hosts that had to be replaced. */
  const complaints = () =>
    host.messages.filter(
      (message) =>
        message.type === "recycle" || (message.type === "log" && message.level === "error"),
    );

  test("carry a client that was written for the sockets API alone", async () => {
    const body = `${LINE_CLIENT}
      const [hostname, port] = "${place}".split(":");
      const socket = connect({ hostname, port: Number(port) });
      const lines = openLines(socket);
      const answers = [await lines.ask("LINES one"), await lines.ask("two"), await lines.ask("three")];
      lines.release();
      await socket.close();
      await socket.closed;
      return down(answers.join(", "));`;
    assert.equal(await run(body), "you said LINES one é, you said two é, you said three é");
  });

  test("carry it over TLS as well, with what both sides agreed on", async () => {
    const body = `${LINE_CLIENT}
      const socket = connect("${tlsPlace}", { secureTransport: "on", alpn: ["other", "lines/1"], tls: ${tls("tls.example.test")} });
      const lines = openLines(socket);
      const answer = await lines.ask("LINES x");
      const { alpn, remoteAddress, localAddress } = await socket.opened;
      return down([answer, alpn, remoteAddress, localAddress.startsWith("127.0.0.1:"), socket.secureTransport, socket.upgraded].join());`;
    assert.equal(await run(body), `you said LINES x é,lines/1,${tlsPlace},true,on,false`);
    assert.match(
      await run(
        `await connect("${tlsPlace}", { secureTransport: "on", sni: "other.example.test", tls: ${JSON.stringify({ ca: authority.ca })} });`,
      ),
      /other\.example\.test/,
    );
  });

  test("are those of the awaited connection too, and text arrives as UTF-8", async () => {
    const body = `
      const socket = connect("${place}");
      const connection = await socket;
      if (connection.readable !== socket.readable || !(socket.readable instanceof ReadableStream)) return down("two streams");
      const writer = connection.writable.getWriter();
      writer.write("LINES größe\\r\\n");
      await writer.write(new DataView(new TextEncoder().encode("x\\r\\n").buffer));
      let text = "";
      for await (const part of connection.readable.pipeThrough(new TextDecoderStream()))
        if ((text += part).endsWith("x é\\r\\n")) break;
      return down(text);`;
    assert.equal(await run(body), "you said LINES größe é you said x é");
  });

  test("the plugin may end first, and still read", async () => {
    const body = `
      const socket = connect("${place}");
      const writer = socket.writable.getWriter();
      await writer.write("UNTIL_END of ");
      await writer.write("all");
      await writer.close();
      let text = "";
      for await (const part of socket.readable.pipeThrough(new TextDecoderStream())) text += part;
      await socket.closed;
      return down(text);`;
    assert.equal(await run(body), "after your end: UNTIL_END of all");
  });

  test("the other side may end first: then the socket is closed, unless it may be half open", async () => {
    const body = (init: string, rest: string) => `
      const socket = connect("${place}", ${init});
      const writer = socket.writable.getWriter();
      await writer.write("HALF");
      let closed = false;
      void socket.closed.then(() => (closed = true));
      let text = "";
      for await (const part of socket.readable.pipeThrough(new TextDecoderStream())) text += part;
      ${rest}`;
    assert.equal(
      await run(
        body(
          "{}",
          `await writer.closed; await socket.closed;
          const late = await writer.write("late").catch((error) => error.name);
          return down([text, late].join());`,
        ),
      ),
      "the last that I say,TypeError",
    );
    seen.afterHalf = seen.halfClosed = "";
    assert.equal(
      await run(
        body(
          "{ allowHalfOpen: true }",
          `await new Promise((done) => setTimeout(done, 50));
          if (closed) return down("closed too early");
          await writer.write("still here");
          await writer.close();
          await socket.closed;
          return down(text);`,
        ),
      ),
      "the last that I say",
    );
    await host.waitFor("the end", () => (seen.halfClosed === "HALF" ? true : undefined));
    assert.equal(seen.afterHalf, "still here");
  });

  test("ten megabytes go through a pipe, within the memory and the time of a plugin", async () => {
    const body = `
      const [from, to] = [connect("${place}"), connect("${place}")];
      const first = from.writable.getWriter();
      await first.write("SEND");
      const second = to.writable.getWriter();
      await second.write("COUNT ");
      second.releaseLock();
      let chunks = 0, largest = 0;
      await from.readable.pipeThrough(new TransformStream({ transform(chunk, controller) {
        chunks++;
        largest = Math.max(largest, chunk.length);
        controller.enqueue(chunk);
      } })).pipeTo(to.writable);
      const { value } = await to.readable.getReader().read();
      return down([new TextDecoder().decode(value), largest <= 65536, chunks >= 160].join());`;
    assert.equal(await run(body), "counted,true,true");
    const hash = createHash("sha256");
    for (let sent = 0; sent < SENT_BYTES; sent += SENT_PIECE.length) hash.update(SENT_PIECE);
    assert.equal(seen.received, SENT_BYTES);
    assert.equal(seen.digest, hash.digest("hex"));
  });

  test("who does not read makes the other side wait", async () => {
    const body = `
      const socket = connect("${place}");
      await socket.writable.getWriter().write("SEND");
      await socket.readable.getReader().read();
      await new Promise((done) => setTimeout(done, 500));`;
    assert.equal(await run(body), "up");
    assert.ok(seen.written < UNREAD_BYTES_MAX, `${seen.written} bytes were sent to nobody`);
  });

  test("what is cancelled is not read, and what is aborted does not look whole", async () => {
    const cancelled = `
      const socket = connect("${place}");
      const writer = socket.writable.getWriter();
      const reader = socket.readable.getReader();
      const pending = reader.read();
      await socket.opened;
      await reader.cancel("enough");
      const { done } = await pending;
      await writer.write("COUNT after");
      await writer.close();
      return down(String(done));`;
    assert.equal(await run(cancelled), "true");
    await host.waitFor("what was written", () => (seen.received === 5 ? true : undefined));
    seen.reset = "";
    const aborted = `
      const socket = connect("${place}");
      const writer = socket.writable.getWriter();
      await writer.write("KEEP");
      await writer.abort(new Error("changed my mind"));
      await socket.closed;
      const read = await socket.readable.getReader().read();
      return down([read.done, await writer.closed.catch((error) => error.message)].join());`;
    assert.equal(await run(aborted), "true,changed my mind");
    await host.waitFor("a reset", () => (seen.reset === "ECONNRESET" ? true : undefined));
  });

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

  test("go on within TLS after startTls, on a socket of its own", async () => {
    const begin = `
      const plain = connect("${place}", { secureTransport: "starttls", sni: "starttls.example.test" });
      const reader = plain.readable.getReader();
      const writer = plain.writable.getWriter();
      await writer.write("STARTTLS");
      await reader.read();`;
    const body = `${begin}
      const pending = reader.read();
      const secure = plain.startTls(${JSON.stringify({ ca: authority.ca })});
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
  });

  test("and the connection's own methods take turns", async () => {
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

  test("fill a reader's own buffer", async () => {
    const body = `
      const socket = connect("${place}");
      await socket.writable.getWriter().write("BYE");
      const reader = socket.readable.getReader({ mode: "byob" });
      const first = await reader.read(new Uint8Array(2));
      const second = await reader.read(new Uint8Array(9));
      const third = await reader.read(new Uint8Array(9));
      return down([...first.value, "", ...second.value, third.done, third.value.length].join());`;
    assert.equal(await run(body), "98,121,,101,true,0");
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
