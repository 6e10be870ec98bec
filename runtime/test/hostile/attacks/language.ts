/** What the language itself offers for tricks: iteration, species, proxies, stacks, scopes, clocks, and large tables. */
import type { Attack } from "../attack.ts";
import { LIMIT } from "../attack.ts";

const ended = { wanted: "down", reason: LIMIT } as const;
/** The verdict that `down` made counts, whatever was done before. */
const honest = { wanted: "down", reason: /^honest/, runs: 2 } as const;
const calm = { wanted: "up", timeoutMs: 1000 } as const;
/** Ended by a limit of the isolate or with its host; one native operation may take that long. */
const heavy = { wanted: "down", reason: LIMIT, mayRecycle: true } as const;

export const language: readonly Attack[] = [
  {
    name: "loops in a generator's return and in the iterator that closes it",
    source:
      "const endless = { [Symbol.iterator]() { return { next: () => ({ value: 1, done: false }), return() { for (;;); } }; } }; for (const one of endless) break;",
    ...ended,
  },
  {
    name: "awaits an async iterator that never ends",
    source:
      "async function* more() { for (let i = 0; ; i++) yield i; } for await (const one of more());",
    ...ended,
  },
  {
    name: "loops in an async iterator's return, after it was judged",
    source:
      "const endless = { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 1, done: false }), return: async () => { for (;;); } }) }; for await (const one of endless) return;",
    ...ended,
  },
  {
    name: "delegates to itself without end",
    source: "function* self() { yield* self(); } [...self()];",
    wanted: "down",
    reason: /^Maximum call stack|^timed out|^out of memory/,
  },
  {
    name: "spreads an iterator helper without end",
    source:
      "(function* () { for (;;) yield 1; })().map((x) => x).filter(() => false).take(2 ** 40).toArray();",
    ...ended,
  },
  {
    name: "has species make other things",
    top: "class Odd extends Array { static get [Symbol.species]() { return class { constructor() { for (const key of ['down', 'then', 'type']) this[key] = 'forged'; } }; } }",
    source:
      "Object.defineProperty(Array, Symbol.species, { get: () => Odd, configurable: true }); Object.defineProperty(Promise, Symbol.species, { get: () => function (run) { run(() => {}, () => {}); }, configurable: true }); Object.defineProperty(RegExp, Symbol.species, { get: () => null, configurable: true }); return down('honest');",
    ...honest,
  },
  {
    name: "replaces the iterators of what is built in",
    source:
      "const odd = function () { return { next: () => ({ done: true }) }; }; Array.prototype[Symbol.iterator] = odd; String.prototype[Symbol.iterator] = odd; Map.prototype[Symbol.iterator] = odd; const generator = Object.getPrototypeOf(function* () {}); generator.prototype.next = () => { for (;;); }; return down('honest');",
    ...honest,
  },
  {
    name: "replaces how texts are matched and split",
    source:
      "for (const key of ['match', 'matchAll', 'replace', 'search', 'split']) RegExp.prototype[Symbol[key]] = () => 'forged'; RegExp.prototype.exec = () => { throw 1; }; try { Symbol.prototype[Symbol.toPrimitive] = () => 'x'; } catch {} return down('honest');",
    ...honest,
  },
  {
    name: "has every object be primitive in its own way",
    source:
      "Object.prototype[Symbol.toPrimitive] = () => 'forged'; Object.prototype.valueOf = () => 7; Object.prototype[Symbol.toStringTag] = 'forged'; Function.prototype[Symbol.hasInstance] = () => true; return down('honest');",
    wanted: "down",
    reason: /^honest|^Cannot|^timed out/,
    runs: 2,
  },
  {
    name: "traps the context by proxies",
    source:
      "const all = new Proxy(context, { get: (it, key) => (key === 'down' ? () => undefined : Reflect.get(it, key)), set: () => true, defineProperty: () => true, getPrototypeOf: () => null }); all.down = 1; try { context.down = () => undefined; } catch {} try { Object.defineProperty(context.log, 'info', { value: 1 }); } catch {} try { Reflect.setPrototypeOf(context.processes, { count: () => 9 }); } catch {} return down('honest');",
    ...honest,
  },
  {
    name: "answers by a proxy whose traps throw, count and turn into others",
    source:
      "let asked = 0; const handler = new Proxy({}, { get: (_, trap) => (...rest) => { if (++asked > 5) throw new Proxy(new Error('x'), {}); return Reflect[trap](...rest); } }); return new Proxy(down('x'), handler);",
    wanted: "down",
  },
  {
    name: "plays with the length of stacks",
    source:
      "Error.stackTraceLimit = 1e9; const deep = (n) => (n === 0 ? new Error('honest') : deep(n - 1)); throw deep(5000);",
    ...honest,
  },
  {
    name: "has the limit of stacks be what it is not",
    source:
      "for (const limit of [NaN, -1, Infinity, '5', {}, null]) { Error.stackTraceLimit = limit; new Error('x').stack; } try { Object.defineProperty(Error, 'stackTraceLimit', { get() { for (;;); } }); } catch {} throw new Error('honest');",
    wanted: "down",
    reason: /^honest|^timed out/,
  },
  {
    name: "captures stacks into objects with setters",
    source:
      "const it = {}; Object.defineProperty(it, 'stack', { set() { for (;;); }, configurable: true }); try { Error.captureStackTrace(it); } catch {} const frozen = Object.freeze({}); try { Error.captureStackTrace(frozen); } catch {} throw new Error('honest');",
    wanted: "down",
    reason: /^honest|^timed out/,
  },
  {
    name: "throws errors that cause each other",
    source:
      "const a = new Error('honest'), b = new Error('b', { cause: a }); a.cause = b; a.errors = [a, b]; throw new AggregateError([a, b, new Proxy(a, {})], 'honest', { cause: a });",
    ...honest,
  },
  {
    name: "loads modules at run time",
    source:
      "for (const load of [() => new Function('return import(\"node:fs\")')(), () => (0, eval)('import(\"node:fs\")'), () => new (Object.getPrototypeOf(async () => {}).constructor)('return await import(\"fs\")')()]) try { const found = await load(); return down('loaded ' + typeof found); } catch {}",
    ...calm,
  },
  {
    name: "looks for import.meta, require, module and process in text",
    source:
      "for (const text of ['import.meta', 'require', 'module', 'process', 'globalThis.process', 'Deno', 'Bun', 'this.constructor.constructor(\"return process\")()', 'arguments.callee.caller']) try { const found = (0, eval)(text); if (found !== undefined) return down(text + ' is ' + typeof found); } catch {}",
    ...calm,
  },
  {
    name: "names its source like a file of the host",
    source:
      "(0, eval)('throw new Error(\"honest\")\\n//# sourceURL=file:///etc/passwd\\n//# sourceMappingURL=file:///etc/shadow');",
    ...honest,
  },
  {
    name: "names its source by letters that end lines",
    source:
      "(0, eval)('throw new Error(\"honest\")\\n//# sourceURL=a\\u202e\\u2066\\u001b[2J:1:1');",
    ...honest,
  },
  {
    name: "turns the direction of writing in every text that there is",
    source:
      "const turn = '\\u202e\\u2066\\u200f\\u061c\\ufeff\\u200b'; log.info('a' + turn + 'b'); console.log({ [turn]: turn }); await context.metrics.gauge('g', 1, { a: turn }).catch(() => {}); return down('honest' + turn + 'x');",
    permissions: "{ metrics: true }",
    wanted: "down",
    reason: /^honest ?x/u,
  },
  {
    name: "breaks out of finally by labels, without end",
    source: "out: for (;;) { try { throw 1; } finally { continue out; } }",
    ...ended,
  },
  {
    name: "returns another result from finally, and from a rejected one",
    source: "try { return down('first'); } finally { await null; return down('honest'); }",
    ...honest,
  },
  {
    name: "hides in with and in sloppy scopes",
    source:
      "const odd = new Function('down', 'return (function () { with (new Proxy({}, { has: () => true, get: (_, key) => key === Symbol.unscopables ? undefined : () => ({ down: \"forged\" }) })) { return down(\"x\"); } })()'); return odd(down);",
    wanted: "down",
    reason: /^found/,
  },
  {
    name: "takes what is deleted from where it is kept",
    source:
      "const names = ['WebAssembly', 'Atomics', 'SharedArrayBuffer', 'FinalizationRegistry', 'WeakRef']; for (const name of names) { if (globalThis[name] !== undefined || (0, eval)('typeof ' + name) !== 'undefined') return down(name + ' is there'); try { if (Reflect.construct(Function, ['return ' + name])()) return down(name); } catch {} }",
    ...calm,
  },
  {
    name: "makes a growing buffer by every constructor",
    source:
      "for (const make of [() => new ArrayBuffer(8, { maxByteLength: 2 ** 30 }), () => Reflect.construct(ArrayBuffer, [8, { maxByteLength: 2 ** 30 }]), () => Reflect.construct(ArrayBuffer, [8, { maxByteLength: 2 ** 30 }], class extends ArrayBuffer {}), () => new (class extends ArrayBuffer {})(8, { maxByteLength: 2 ** 30 }), () => new (new Uint8Array(8).buffer.constructor)(8, { maxByteLength: 2 ** 30 }), () => structuredClone(new ArrayBuffer(8)), () => new ArrayBuffer(8).transfer(16), () => new ArrayBuffer(8).slice(0, 4), () => new Response('x').arrayBuffer(), () => crypto.subtle.digest('SHA-256', new Uint8Array(1))]) try { const buffer = await make(); if (buffer.resizable || buffer.growable || buffer.maxByteLength > 2 ** 20) return down('it grows: ' + make); } catch {}",
    ...calm,
  },
  {
    name: "clones what leads to itself, is deep, or is large",
    source:
      "const loop = {}; loop.loop = loop; structuredClone(loop); let deep = {}; for (let i = 0; i < 1e5; i++) deep = { deep }; try { structuredClone(deep); } catch {} for (;;) structuredClone(Array(1e6).fill({}));",
    ...heavy,
  },
  {
    name: "formats dates and numbers in every language",
    source:
      "for (let i = 0; ; i++) { new Date(i * 1e9).toLocaleString(['ar-EG-u-ca-islamic', 'th-TH-u-ca-buddhist', 'zh-u-ca-chinese'][i % 3], { dateStyle: 'full', timeStyle: 'full' }); (i * 1.1).toLocaleString('hi-u-nu-hanidec'); }",
    ...heavy,
  },
  {
    name: "cuts a long text into words of a language",
    source:
      "for (;;) [...new Intl.Segmenter('th', { granularity: 'word' }).segment('ก'.repeat(1e6))];",
    ...heavy,
  },
  {
    name: "makes formatters without end",
    source:
      "const all = []; for (;;) all.push(new Intl.DateTimeFormat('en-u-ca-hebrew'), new Intl.Collator('de'), new Intl.PluralRules('ar'), new Intl.ListFormat('ja'));",
    ...heavy,
  },
  {
    name: "counts up in a comparator, and sorts what sorts itself",
    source:
      "const list = Array.from({ length: 1e5 }, (_, i) => i); let depth = 0; list.sort(() => { if (depth++ < 50) list.toSorted(() => 1); return Math.random() - 0.5; }); for (;;) list.sort(() => 1);",
    ...heavy,
  },
  {
    name: "backtracks by names, lookbehind and back references",
    source:
      "/(?<=(?<a>(x+x+)+)y)\\k<a>z/u.test('x'.repeat(60) + 'yz'); /^(?:(x+)\\1*)+$/.test('x'.repeat(60) + 'y');",
    ...heavy,
  },
  {
    name: "pads, repeats and joins to the longest",
    source:
      "for (;;) { const text = 'ab'.repeat(2 ** 27); text.padEnd(2 ** 29 - 24, 'xyz').split('').length; [text, text].join(text); }",
    ...heavy,
  },
  {
    name: "parses a number and a date of a million digits",
    source:
      "for (;;) { BigInt('9'.repeat(3e6)); Date.parse('1'.repeat(1e6)); Number('1'.repeat(1e6)); }",
    ...heavy,
  },
  {
    name: "makes a table of names without end",
    source:
      "const it = Object.create(null); for (let i = 0; ; i++) Object.defineProperty(it, 'k' + i, { get: () => i });",
    ...heavy,
  },
  {
    name: "writes and reads JSON by functions that do not end",
    source: "JSON.parse('[1,[2,[3]]]', function () { for (;;); });",
    ...ended,
  },
  {
    name: "gives JSON a function that makes more of it",
    source: "JSON.stringify({}, () => ({ a: {}, b: {} }));",
    wanted: "down",
    reason: /^Maximum call stack|^timed out|^out of memory|^Invalid string|^its sandbox host/,
    mayRecycle: true,
  },
  {
    name: "decodes and encodes without end",
    source:
      "const bytes = new Uint8Array(8e6).fill(0xe2); for (;;) { new TextDecoder().decode(bytes); new TextEncoder().encode('\\ud83d\\ude00'.repeat(1e6)); btoa('x'.repeat(1e6)); }",
    ...heavy,
  },
  {
    name: "makes addresses and headers of a million parts",
    source:
      "new URL('http://a/?' + 'a=b&'.repeat(5e5)).searchParams.sort(); const headers = new Headers(); for (let i = 0; ; i++) headers.append('x' + i, 'y'.repeat(1000));",
    ...heavy,
  },
  {
    name: "makes random numbers and digests without end",
    source:
      "for (;;) { crypto.getRandomValues(new Uint8Array(65536)); await crypto.subtle.digest('SHA-512', new Uint8Array(1e6)); }",
    ...heavy,
  },
  {
    name: "listens to an event that fires itself",
    source:
      "const end = new AbortController(); end.signal.addEventListener('abort', function again() { end.signal.dispatchEvent(new Event('abort')); }); end.abort(); for (;;) end.signal.dispatchEvent(new Event('abort'));",
    wanted: "down",
    reason: /^Maximum call stack|^timed out|^out of memory|already|dispatch|^AbortSignal|not/i,
  },
  {
    name: "joins signals without end",
    source:
      "let signal = new AbortController().signal; for (;;) signal = AbortSignal.any([signal, signal, signal]);",
    ...heavy,
  },
  {
    name: "keeps everything alive in weak maps of weak maps",
    source:
      "const map = new WeakMap(); let key = {}; for (;;) { const next = { data: new Array(100).fill(key) }; map.set(key, next); key = next; }",
    ...heavy,
  },
  {
    name: "disposes of what disposes of itself",
    source:
      "if (typeof Symbol.dispose !== 'symbol') { for (;;); } const odd = { [Symbol.dispose]() { for (;;); } }; new Function('odd', 'using one = odd; return 1')(odd); for (;;);",
    wanted: "down",
    reason: /^timed out|^out of memory|Unexpected|^its sandbox host/,
  },
];
