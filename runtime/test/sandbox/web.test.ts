/** What a plugin finds of the web's interfaces behaves as the same interfaces of Node do, and harms nobody but the plugin. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import { createComparison } from "./as-in-node.ts";
import type { TestHost } from "./host.ts";
import { check, startHost } from "./host.ts";

/** The octets of a body that is no text. */
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));

describe("the web's interfaces", () => {
  let host: TestHost;
  let server: Server;
  let origin = "";
  const { worth, asInNode } = createComparison(() => host);
  before(async () => {
    host = await startHost();
    server = createServer(async (request, response) => {
      if (request.url === "/away") response.writeHead(302, { location: "/" });
      else if (request.url === "/none") response.writeHead(204);
      else if (request.url === "/latin") return void response.end(Buffer.from("caf\xe9", "latin1"));
      else if (request.url === "/binary") {
        const body = await bodyOf(request);
        return void response.end(body.equals(BINARY) ? BINARY : `found ${body.toString("hex")}`);
      } else response.setHeader("set-cookie", ["a=1", "b=2"]);
      const { method, headers } = request;
      const body = (await bodyOf(request)).toString();
      const type = headers["content-type"] ?? null;
      response.end(JSON.stringify({ method, type, x: headers["x"] ?? null, body }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    host.stop();
    server.closeAllConnections();
    server.close();
    await stopBundler();
  });

  test("URL and URLSearchParams", async () => {
    const urls = [
      "http://2130706433/",
      "http://0x7f.1/",
      "http://0300.168.0.0xF/a b?ü#ö",
      "http://1.2.3.256/",
      "http://user:pa%20ss@EXÄMPLE.com:80/a/../b/./c",
      "http://faß.example/",
      "http://xn--a/",
      "http://[1::0:0:2]:443/",
      "http://[::1",
      "http://a:65536/",
      "http://a b/",
      "http://%41%zz/",
      "//other/x",
      "?q",
      "file:///C|/x",
      "javascript:1",
      "http://user@/",
    ];
    await asInNode(
      ...urls.map(
        (url) =>
          `((url) => url && [url.href, url.origin, url.host, url.username, url.password, url.search, url.hash])(URL.parse(${JSON.stringify(url)}, "https://base.example/p/q"))`,
      ),
      "new URL('/x')",
      "URL.canParse('x:y')",
      "((url) => { url.port = '81'; url.pathname = '/é'; url.searchParams.append('a', 'b c'); url.hash = ''; return url; })(new URL('http://a/?x=1#y'))",
      "[...new URLSearchParams('?a=1&b=%20+&a=%zz')]",
      "String(new URLSearchParams({ 'a b': 'ü&', c: '\\ud800' }))",
      "new URLSearchParams([['a']])",
      "((given) => { given.sort(); return [given.size, given.getAll('a'), given.has('a', '1'), String(given)]; })(new URLSearchParams('b=2&a=1&a=0'))",
    );
  });

  test("text and base64", async () => {
    await asInNode(
      "[...new TextEncoder().encode('aé€😀\\ud800')]",
      "new TextEncoder().encodeInto('aé€', new Uint8Array(3))",
      "new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff, 0xe2, 0x82, 0xf0, 0x9f, 0x98, 0x80]))",
      "new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf]))",
      "new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xed, 0xa0, 0x80]))",
      "((decoder) => [decoder.decode(new Uint8Array([0xe2]), { stream: true }), decoder.decode(new Uint8Array([0x82, 0xac]))])(new TextDecoder())",
      "new TextDecoder('utf-16le').decode(new Uint8Array([0x61, 0, 0xac, 0x20]))",
      "new TextDecoder('latin1').encoding",
      "new TextDecoder('nonsense')",
      "btoa('\\xff\\0a')",
      "btoa('€')",
      "[atob(' YQ = = '), atob('YR'), atob('/wBh').charCodeAt(0), atob('')]",
      ...["Y", "YQ=", "Y===", "YQ==YQ==", "é", "YW-_"].map(
        (text) => `atob(${JSON.stringify(text)})`,
      ),
    );
    await worth([["new TextDecoder('shift_jis')", "throws RangeError"]]);
  });

  test("digests and random bytes", async () => {
    const hex =
      "Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')";
    await asInNode(
      ...["SHA-1", "sha-256", "SHA-384", "SHA-512"].flatMap((name) =>
        ["''", "'abc'", "'é'.repeat(5000)"].map(
          (text) =>
            `crypto.subtle.digest({ name: "${name}" }, new TextEncoder().encode(${text})).then((digest) => ${hex})`,
        ),
      ),
      `crypto.subtle.digest("SHA-1", new DataView(new ArrayBuffer(9), 3, 2)).then((digest) => ${hex})`,
      "crypto.subtle.digest('MD5', new Uint8Array())",
      "crypto.subtle.digest('SHA-1', 'text')",
      "crypto.getRandomValues(new Float32Array(1))",
      "crypto.getRandomValues(new Uint8Array(65537))",
      "((view) => crypto.getRandomValues(view) === view)(new Uint32Array(2))",
      "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
      "new Crypto()",
    );
    await worth([
      [
        "crypto.subtle.digest('SHA-1', new TextEncoder().encode('abc')).then((digest) => new Uint8Array(digest)[0])",
        "169",
      ],
      ["crypto.subtle.digest('SHA-1', new Uint8Array(1048577))", "throws OperationError 0"],
      ["new Set(crypto.getRandomValues(new BigUint64Array(1000))).size", "1000"],
    ]);
  });

  test("two contexts and two invocations have different random bytes", async () => {
    const source = check("return down(crypto.randomUUID());");
    const often = { intervalMs: 50, timeoutMs: 2000 };
    await host.load("random one", source, often);
    await host.load("random two", source, often);
    const seen = new Set<string>();
    const reports = async (): Promise<readonly [string, string]> => [
      (await host.report("random one")).reason,
      (await host.report("random two")).reason,
    ];
    await host.state("random one");
    await host.state("random two");
    const [one, two] = await reports();
    assert.notEqual(one, two);
    for (const deadline = performance.now() + 5000; seen.size < 6;) {
      for (const reason of await reports()) seen.add(reason);
      assert.ok(performance.now() < deadline, `the random bytes repeat: ${[...seen].join()}`);
    }
  });

  test("structuredClone", async () => {
    await asInNode(
      "((map) => { map.set('self', map); const copy = structuredClone(map); return [copy !== map, copy.get('self') === copy, copy.get('date').getTime(), [...copy.get('set')]]; })(new Map([['date', new Date(5)], ['set', new Set([1, 'a'])]]))",
      "structuredClone({ a: [1, , null], get b() { return 2; }, c: undefined, d: new String('x') })",
      "((error) => [error.name, error.message, error.cause, error instanceof TypeError])(structuredClone(new TypeError('x', { cause: 1 })))",
      "[...structuredClone(new Int16Array([1, -2, 3]).subarray(1))]",
      "((regular) => [regular.source, regular.flags, regular.lastIndex])(structuredClone(/a/gi))",
      "((buffer) => { const copy = structuredClone(buffer, { transfer: [buffer] }); return [copy.byteLength, buffer.byteLength]; })(new ArrayBuffer(4))",
      "String(structuredClone(5n))",
      ...["() => 1", "Symbol()", "new WeakMap()", "Promise.resolve()", "{ a() {} }"].map(
        (value) => `structuredClone(${value})`,
      ),
    );
  });

  test("Headers", async () => {
    await asInNode(
      "((headers) => { headers.append('x-B', '2'); headers.append('Set-Cookie', 'a=1'); headers.append('set-cookie', 'b=2'); return [[...headers], headers.getSetCookie(), headers.get('SET-COOKIE'), headers.has('no'), [...headers.keys()]]; })(new Headers({ 'X-b': ' 1\\t', a: '' }))",
      "[...new Headers(new Headers([['b', '1'], ['B', '2'], ['a', 'é']]))]",
      "((headers) => { headers.set('a', '3'); headers.delete('B'); const seen = []; headers.forEach((value, name) => seen.push(name, value)); return seen; })(new Headers({ a: '1', b: '2' }))",
      ...[
        "[['a b', '1']]",
        "[['', '1']]",
        "[['a', '1\\r\\n2']]",
        "[['a', '€']]",
        "[['a']]",
        "null",
        "5",
      ].map((init) => `new Headers(${init})`),
    );
  });

  test("Request and Response", async () => {
    const use = "(async (body) => [await body.text(), body.bodyUsed])";
    await asInNode(
      `${use}(new Response('\\ufeffé\\ud800'))`,
      `${use}(new Response(new Uint8Array([0x61, 0xff])))`,
      `${use}(new Response())`,
      "new Response('{').json()",
      "(async (response) => { await response.text(); return response.text(); })(new Response('x'))",
      "(async (response) => { await response.text(); return response.clone(); })(new Response('x'))",
      "(async (response) => { const copy = response.clone(); await response.json(); return [copy.bodyUsed, (await copy.arrayBuffer()).byteLength, copy.status, [...copy.headers]]; })(Response.json({ a: 'é' }, { status: 201 }))",
      "new Response(new Uint8Array([1, 2, 3]).subarray(1)).bytes().then((bytes) => [...bytes])",
      "[...new Response(new URLSearchParams({ a: 'b' })).headers]",
      "((response) => [response.type, response.status, response.ok, response.url, response.redirected])(Response.error())",
      "((response) => [response.status, [...response.headers]])(Response.redirect('http://a/b', 308))",
      "Response.redirect('http://a/', 200)",
      "new Response('', { status: 199 })",
      "new Response('x', { status: 204 })",
      "new Response('', { statusText: 'a\\n' })",
      "Response.redirect('http://a/').headers.set('a', 'b')",
      "((request) => [request.method, request.url, [...request.headers], request.redirect, request.bodyUsed])(new Request('http://a/é#x', { method: 'post', body: 'b', headers: { X: '1' } }))",
      "(async (first) => { const second = new Request(first, { headers: { y: '2' } }); return [first.bodyUsed, second.method, await second.text(), [...second.headers]]; })(new Request('http://a', { method: 'PUT', body: 'b' }))",
      "((controller) => { const { signal } = new Request('http://a', { signal: controller.signal }); controller.abort('why'); return [signal.aborted, signal.reason]; })(new AbortController())",
      "new Request('/relative')",
      "new Request('http://user:secret@a/')",
      "new Request('http://a', { method: 'TRACE' })",
      "new Request('http://a', { body: 'x' })",
      "new Request('http://a', { redirect: 'never' })",
    );
  });

  test("events and signals", async () => {
    await asInNode(
      "(() => { const seen = []; const target = new EventTarget(); const listener = (event) => seen.push(event.type + event.eventPhase + (event.target === target)); target.addEventListener('a', listener); target.addEventListener('a', listener); target.addEventListener('a', { handleEvent: (event) => event.preventDefault() }, { once: true }); const first = target.dispatchEvent(new Event('a', { cancelable: true })); target.removeEventListener('a', listener); return [first, target.dispatchEvent(new Event('a', { cancelable: true })), seen]; })()",
      "(() => { const seen = []; const target = new EventTarget(); const controller = new AbortController(); target.addEventListener('a', (event) => { seen.push(1); event.stopImmediatePropagation(); }, { signal: controller.signal }); target.addEventListener('a', () => seen.push(2)); target.dispatchEvent(new Event('a')); controller.abort(); target.dispatchEvent(new CustomEvent('a', { detail: 5 })); return seen; })()",
      "new EventTarget().dispatchEvent({ type: 'a' })",
      "new Event()",
      "new AbortSignal()",
      "((controller) => { const seen = []; const any = AbortSignal.any([new AbortController().signal, controller.signal]); any.onabort = (event) => seen.push(event.type, event.target === any, event.isTrusted); controller.abort(); controller.abort('again'); return [seen, any.aborted, any.reason.name, any.reason.code, any.reason === controller.signal.reason]; })(new AbortController())",
      "AbortSignal.any([AbortSignal.abort('a')]).reason",
      "AbortSignal.abort().throwIfAborted()",
      "new Promise((resolve) => { const signal = AbortSignal.timeout(5); signal.addEventListener('abort', () => resolve([signal.reason.name, signal.reason.code])); })",
      "((error) => [String(error), error.code, DOMException.DATA_CLONE_ERR, error instanceof Error])(new DOMException('m', 'AbortError'))",
    );
    await worth([["AbortSignal.timeout(-1)", "throws TypeError"]]);
  });

  test("timers, microtasks, clocks and names", async () => {
    await asInNode(
      "new Promise((resolve) => { const seen = []; queueMicrotask(() => seen.push('microtask')); setTimeout((...values) => resolve([...seen, ...values]), 1, 'a', 'b'); seen.push('now'); })",
      "new Promise((resolve) => { let count = 0; const timer = setInterval((step) => { count += step; if (count === 6) { clearInterval(timer); setTimeout(() => resolve(count), 20); } }, 1, 2); })",
      "new Promise((resolve) => { clearTimeout(setTimeout(() => resolve('late'), 1)); clearTimeout(undefined); setTimeout(resolve, 10, 'on time'); })",
      "setTimeout('code')",
      "queueMicrotask()",
      "performance.now() >= 0 && performance.timeOrigin > 1e12 && typeof navigator.userAgent",
      "((name) => { const before = globalThis[name]; globalThis[name] = 1; const kept = globalThis[name]; globalThis[name] = before; return [kept, new URL('a:b').href]; })('URL')",
    );
    await worth([
      ["self === globalThis", "true"],
      ["Object.keys(globalThis).filter((name) => name !== '__karuntimeModule')", "[]"],
      ["(void URL, Object.getOwnPropertyDescriptor(globalThis, 'URL').writable)", "true"],
      [
        "['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'fetch', 'process'].filter((name) => name in globalThis)",
        "[]",
      ],
      [
        "'AbortController AbortSignal DOMException CustomEvent Event EventTarget TextDecoder TextEncoder atob btoa URL URLSearchParams Headers Request Response Crypto SubtleCrypto structuredClone setTimeout clearInterval queueMicrotask'.split(' ').filter((name) => globalThis[name].name !== name)",
        "[]",
      ],
    ]);
  });

  test("fetch takes and gives them, byte for byte", async () => {
    const url = (path: string): string => JSON.stringify(`http://${origin}${path}`);
    const permissions = `{ net: ["${origin}"] }`;
    const said = (type: string | null, body: string, method = "POST", x: string | null = null) =>
      JSON.stringify({ method, type, x, body });
    const json = (argument: string) => `fetch(${argument}).then((response) => response.json())`;
    const form = "application/x-www-form-urlencoded;charset=UTF-8";
    const binary = "Uint8Array.from({ length: 256 }, (_, octet) => octet)";
    await worth(
      [
        [json(`new URL(${url("/")})`), said(null, "", "GET")],
        [json(`${url("/")}, { method: "post", body: "é" }`), said("text/plain;charset=UTF-8", "é")],
        [
          json(`${url("/")}, { method: "POST", body: new URLSearchParams({ a: "b c" }) }`),
          said(form, "a=b+c"),
        ],
        [
          json(
            `new Request(${url("/")}, { method: "PUT", body: "b", headers: [["X", "1"], ["x", "2"]] }), { headers: new Headers({ x: "3" }) }`,
          ),
          said(null, "b", "PUT", "3"),
        ],
        [
          `fetch(${url("/binary")}, { method: "POST", body: ${binary} }).then((response) => response.bytes()).then((bytes) => bytes.join() === ${binary}.join())`,
          "true",
        ],
        [`fetch(${url("/latin")}).then((response) => response.text())`, '"caf\ufffd"'],
        [
          `fetch(${url("/away")}).then((response) => [response instanceof Response, response.ok, response.type, response.redirected, response.url === ${url("/")}, response.headers.getSetCookie()])`,
          '[true,true,"basic",true,true,["a=1","b=2"]]',
        ],
        [
          `fetch(${url("/none")}).then(async (response) => [response.status, response.statusText, await response.text(), response.bodyUsed])`,
          '[204,"No Content","",false]',
        ],
        [
          `fetch(${url("/")}).then((response) => response.headers.set("a", "b"))`,
          "throws TypeError",
        ],
        [`fetch(${url("/")}, { signal: AbortSignal.abort() })`, "throws AbortError 20"],
        [`fetch(${url("/")}, { body: "x" })`, "throws TypeError"],
        [
          `fetch(${url("/")}, { method: "POST", body: new Uint8Array(1048577) })`,
          "throws TypeError",
        ],
        [
          `(async (request) => { await fetch(request); return fetch(request); })(new Request(${url("/")}, { method: "POST", body: "x" }))`,
          "throws TypeError",
        ],
      ],
      permissions,
    );
  });

  test("a plugin that replaces what they are made of harms itself alone", async () => {
    const often = { intervalMs: 50, timeoutMs: 1000 };
    const neighbour = `const response = new Response(new URL("http://a/?" + crypto.randomUUID()).href);
      if (!(await response.text()).startsWith("http://a/")) return down("harmed");`;
    await host.load("neighbour", check(neighbour), often);
    const attacks = [
      "Array.prototype[Symbol.iterator] = () => { throw new Error('mine'); };",
      "Object.defineProperty(Object.prototype, 'get', { get() { throw new Error('mine'); } });",
      "Object.prototype.enumerable = true; Object.prototype.value = 1;",
      "globalThis.URL = globalThis.TextEncoder = class { constructor() { throw new Error('mine'); } };",
      "globalThis.eval = () => { throw new Error('mine'); }; Function.prototype.call = Function.prototype.apply = () => 1;",
      "Promise.prototype.then = () => { for (;;); };",
      "Object.getOwnPropertyNames = Object.defineProperty = () => { for (;;); };",
      "Object.defineProperty(Object.prototype, 'toJSON', { value() { return { type: 'call', id: 'x', capability: 'fetch', argument: { headers: 5, url: {} } }; } });",
    ];
    for (const attack of attacks)
      await host.judge(
        `${attack} ${neighbour} try { await fetch(new Request("http://a/", { headers: { a: "b" } })); } catch {} structuredClone([1]);`,
      );
    assert.equal((await host.report("neighbour")).state, "up");
    assert.equal(await host.judge(neighbour), "up");
    assert.deepEqual(
      host.messages.filter(({ type }) => type === "recycle"),
      [],
    );
  });

  test("what they cost counts as the plugin's own time", async () => {
    await host.load(
      "busy",
      check("setInterval(() => { for (;;); }, 1); await new Promise(() => {});"),
      {
        intervalMs: 60_000,
        timeoutMs: 200,
      },
    );
    assert.match((await host.state("busy")).reason, /^timed out/);
    assert.match(
      await host.judge("for (;;) setInterval(() => {}, 1);"),
      /^timed out|^more than \d+ requests|^out of memory/,
    );
    assert.equal(await host.judge("new URL('http://é/');"), "up");
  });
});

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
