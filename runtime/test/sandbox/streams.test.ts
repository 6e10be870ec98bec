/** A connection's streams, as the WinterTC's sockets API has them, over real TCP and TLS. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { startHost } from "./host.ts";
import type { WordServer } from "./word-server.ts";
import { SENT_BYTES, SENT_PIECE, startWordServer } from "./word-server.ts";

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
  const tls = (name: string): string => JSON.stringify({ ca: server.ca, serverName: name });

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
        `await connect("${tlsPlace}", { secureTransport: "on", sni: "other.example.test", tls: ${JSON.stringify({ ca: server.ca })} });`,
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

  test("a large chunk goes out in pieces, of a size that the sandbox passes on", async () => {
    const body = `
      const socket = connect("${place}");
      const writer = socket.writable.getWriter();
      await writer.write("COUNT ");
      await writer.write(new ArrayBuffer(2 * 1024 * 1024));
      await writer.close();
      for await (const chunk of socket.readable) return down(new TextDecoder().decode(chunk));`;
    assert.equal(await run(body), "counted");
    assert.equal(seen.received, 2 * 1024 * 1024);
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
});
