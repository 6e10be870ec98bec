/** The web's streams inside an isolate behave as those of Node do, and lead nowhere else. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import { createComparison } from "./as-in-node.ts";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";

const NAMES =
  "ByteLengthQueuingStrategy CountQueuingStrategy ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader TextDecoderStream TextEncoderStream TransformStream TransformStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter";
/** All chunks of a stream. */
const ALL =
  "(async (stream) => { const chunks = []; for await (const chunk of stream) chunks.push(chunk instanceof Uint8Array ? [...chunk] : chunk); return chunks; })";

describe("streams that a plugin makes", () => {
  let host: TestHost;
  const { worth, asInNode } = createComparison(() => host);
  before(async () => {
    host = await startHost();
  });
  after(async () => {
    host.stop();
    await stopBundler();
  });

  test("are read, locked, cancelled, split and made of what can be iterated", async () => {
    await asInNode(
      `${ALL}(new ReadableStream({ start(controller) { controller.enqueue(1); controller.enqueue("b"); controller.close(); } }))`,
      `${ALL}(ReadableStream.from([1, Promise.resolve(2), 3]))`,
      `${ALL}(ReadableStream.from((async function* () { yield 1; throw new RangeError("x"); })()))`,
      "(async (stream) => { const reader = stream.getReader(); const locked = stream.locked; const first = await reader.read(); reader.releaseLock(); return [locked, first, stream.locked]; })(ReadableStream.from([1]))",
      "(async (stream) => { stream.getReader(); return stream.getReader(); })(new ReadableStream())",
      "(async () => { let why; const stream = new ReadableStream({ cancel(reason) { why = reason; } }); await stream.cancel('enough'); return [why, await stream.getReader().read()]; })()",
      `(async (stream) => { const [a, b] = stream.tee(); return [await ${ALL}(a), await ${ALL}(b), stream.locked]; })(ReadableStream.from([1, 2]))`,
      "(async () => { const sizes = []; const stream = new ReadableStream({ pull(controller) { sizes.push(controller.desiredSize); controller.enqueue('abc'); } }, new ByteLengthQueuingStrategy({ highWaterMark: 2 })); return sizes; })()",
      "(async () => { let pulls = 0; new ReadableStream({ pull(controller) { pulls++; controller.enqueue(pulls); } }, { highWaterMark: 3 }); await new Promise((done) => setTimeout(done, 5)); return pulls; })()",
      "new ReadableStream({ type: 'nonsense' })",
      "new ReadableStream({}, { highWaterMark: -1 })",
      "ReadableStream.from(5)",
    );
  });

  test("take bytes into a reader's own buffer", async () => {
    await asInNode(
      "(async () => { const stream = new ReadableStream({ type: 'bytes', start(controller) { controller.enqueue(new Uint8Array([1, 2, 3])); controller.close(); } }); const reader = stream.getReader({ mode: 'byob' }); const buffer = new Uint8Array(2); const first = await reader.read(buffer); const second = await reader.read(new Uint16Array(1)).catch((error) => error.name); return [[...first.value], buffer.length, second]; })()",
      "(async () => { const stream = new ReadableStream({ type: 'bytes', pull(controller) { const { view } = controller.byobRequest; view[0] = 7; controller.byobRequest.respond(1); } }); const { value } = await stream.getReader({ mode: 'byob' }).read(new Uint8Array(4)); return [...value]; })()",
      "new ReadableStream().getReader({ mode: 'byob' })",
    );
  });

  test("are written, with backpressure, closed and aborted", async () => {
    await asInNode(
      "(async () => { const seen = []; const writer = new WritableStream({ write(chunk) { seen.push(chunk); }, close() { seen.push('closed'); } }).getWriter(); const before = writer.desiredSize; writer.write(1); const after = writer.desiredSize; await writer.ready; await writer.close(); return [before, after, seen]; })()",
      "(async () => { let signal; const writer = new WritableStream({ start(controller) { ({ signal } = controller); }, abort(reason) { return reason; } }).getWriter(); await writer.abort(new RangeError('x')); return [signal instanceof AbortSignal, signal.aborted, await writer.closed.catch((error) => error.name)]; })()",
      "(async () => { const writer = new WritableStream({ write() { throw new RangeError('x'); } }).getWriter(); const first = await writer.write(1).catch((error) => error.name); return [first, await writer.write(2).catch((error) => error.name)]; })()",
      "new WritableStream().getWriter().close().then(() => 'closed')",
      "(async (stream) => { stream.getWriter(); return stream.close(); })(new WritableStream())",
    );
  });

  test("are piped, and transformed", async () => {
    await asInNode(
      `${ALL}(ReadableStream.from([1, 2]).pipeThrough(new TransformStream({ transform(chunk, controller) { controller.enqueue(chunk * 2); }, flush(controller) { controller.enqueue('end'); } })))`,
      "(async () => { const controller = new AbortController(); const why = []; const work = new ReadableStream({ cancel(reason) { why.push(reason); } }).pipeTo(new WritableStream({ abort(reason) { why.push(reason); } }), { signal: controller.signal }); controller.abort('enough'); return [await work.catch((error) => error), why]; })()",
      "(async () => { const work = ReadableStream.from([1]).pipeTo(new WritableStream(), { signal: AbortSignal.abort() }); return work; })()",
      "(async () => { const why = []; await ReadableStream.from((function* () { throw new RangeError('x'); })()).pipeTo(new WritableStream({ abort(reason) { why.push(reason.name); } })).catch((error) => why.push(error.name)); return why; })()",
      `${ALL}(ReadableStream.from(['a\\ud83d', '\\ude00é', '\\ud800']).pipeThrough(new TextEncoderStream()))`,
      `${ALL}(ReadableStream.from([new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xe2]), new Uint8Array([0x82, 0xac]).buffer, new Uint8Array([0xf0])]).pipeThrough(new TextDecoderStream()))`,
      `${ALL}(ReadableStream.from([new Uint8Array([0xff])]).pipeThrough(new TextDecoderStream('utf-8', { fatal: true })))`,
      `${ALL}(ReadableStream.from(['text']).pipeThrough(new TextDecoderStream()))`,
      "((stream) => [stream.encoding, stream.fatal, stream.ignoreBOM, stream.readable instanceof ReadableStream])(new TextDecoderStream('latin1'))",
      "new TextEncoderStream().encoding",
    );
  });

  test("have their names, and bring nothing back that was taken away", async () => {
    await worth([
      [`"${NAMES}".split(" ").filter((name) => globalThis[name].name !== name)`, "[]"],
      [
        `"${NAMES}".split(" ").filter((name) => Object.getOwnPropertyDescriptor(globalThis, name).enumerable)`,
        "[]",
      ],
      ["new ReadableStreamDefaultController()", "throws TypeError"],
      [
        "['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'WeakRef', 'FinalizationRegistry'].filter((name) => name in globalThis)",
        "[]",
      ],
      [
        "(async () => { const { value } = await new ReadableStream({ type: 'bytes', start(controller) { controller.enqueue(new Uint8Array(3)); } }).getReader().read(); const other = new value.buffer.constructor(1, { maxByteLength: 9 }); return [value.buffer.resizable, other.resizable, 'resize' in value.buffer]; })()",
        "[false,false,false]",
      ],
    ]);
  });

  test("harm their own plugin alone when what they are made of is replaced", async () => {
    const neighbour = `const words = ReadableStream.from(["a", "b"]).pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream());
      let text = "";
      for await (const word of words) text += word;
      if (text !== "ab") return down("harmed");`;
    await host.load("neighbour", check(neighbour), { intervalMs: 50, timeoutMs: 1000 });
    const attacks = [
      "Promise.prototype.then = () => { for (;;); };",
      "Object.defineProperty(Object.prototype, 'then', { get() { for (;;); } });",
      "Object.defineProperty(Object.prototype, 'pull', { value() { throw new Error('mine'); } });",
      "globalThis.queueMicrotask = (work) => { for (;;) work(); };",
      "globalThis.ReadableStream = class { static from() { return this; } pipeThrough() { return this; } };",
      "ArrayBuffer.prototype.transfer = function () { return this; }; globalThis.Uint8Array = Array;",
      "new ReadableStream({ pull(controller) { controller.enqueue(new Array(1e6).fill(1)); } }, { highWaterMark: Infinity });",
      "(function pump(stream) { stream.tee().forEach(pump); })(new ReadableStream());",
      "await ReadableStream.from({ [Symbol.asyncIterator]: () => ({ next: () => ({ get done() { for (;;); } }) }) }).getReader().read();",
    ];
    for (const attack of attacks) await host.judge(`${attack} ${neighbour}`);
    assert.equal((await host.report("neighbour")).state, "up");
    assert.equal(await host.judge(neighbour), "up");
    assert.deepEqual(
      host.messages.filter(({ type }) => type === "recycle"),
      [],
    );
  });
});
