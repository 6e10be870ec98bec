/** Bombs: memory in every form that the engine counts, and in those that it does not. */
import type { Attack } from "../attack.ts";
import { LIMIT } from "../attack.ts";

const bomb = { wanted: "down", reason: LIMIT, mayRecycle: true } as const;
const refusedLength =
  /^timed out|^out of memory|^its sandbox host was ended|^Invalid (?:string|array|typed array) |^Array buffer|^Set maximum|^Map maximum/;
const large = { ...bomb, reason: refusedLength } as const;

export const memory: readonly Attack[] = [
  {
    name: "fills an array",
    source: "const all = []; for (;;) all.push(new Array(1000).fill(1));",
    ...bomb,
  },
  {
    name: "makes an array of 30 million",
    source: "const all = []; for (;;) all.push(new Array(3e7));",
    ...large,
  },
  { name: "fills an array of 30 million", source: "for (;;) new Array(3e7).fill(0);", ...large },
  {
    name: "fills a map",
    source: "const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });",
    ...large,
  },
  {
    name: "fills a set",
    source: "const all = new Set(); for (let i = 0; ; i++) all.add(`${i}`);",
    ...large,
  },
  {
    name: "fills a dictionary",
    source: "const all = {}; for (let i = 0; ; i++) all[`k${i}`] = { i };",
    ...large,
  },
  {
    name: "fills typed arrays",
    source: "const all = []; for (;;) all.push(new Float64Array(1e6));",
    ...large,
  },
  {
    name: "fills buffers",
    source: "const all = []; for (;;) all.push(new ArrayBuffer(1e7));",
    ...large,
  },
  { name: "asks for one huge buffer", source: "new ArrayBuffer(2 ** 40);", ...large },
  { name: "doubles a string", source: 'let text = "x"; for (;;) text += text;', ...large },
  {
    name: "flattens long strings",
    source:
      'const all = []; for (;;) { const text = "x".repeat(1e7) + Math.random(); all.push(text, text.charCodeAt(9)); }',
    ...large,
  },
  {
    name: "makes closures",
    source:
      "let last = () => 0; for (;;) { const before = last; const text = new Array(10).fill(1); last = () => [before, text]; }",
    ...bomb,
  },
  {
    name: "makes promises",
    source: "const all = []; for (;;) all.push(new Promise(() => {}).then(() => {}));",
    ...bomb,
  },
  {
    name: "makes symbols",
    source: "const all = []; for (;;) all.push(Symbol(`${all.length}`));",
    ...bomb,
  },
  { name: "registers symbols", source: "for (let i = 0; ; i++) Symbol.for(`s${i}`);", ...bomb },
  {
    name: "spreads itself",
    source: "let all = [1]; for (;;) all = [...all, ...all];",
    ...large,
  },
  {
    name: "returns an object of a million keys",
    source: "const all = {}; for (let i = 0; i < 1e6; i++) all[`k${i}`] = i; return all;",
    ...bomb,
    reason: /^timed out|^out of memory|^found .* as the check's result/,
  },
  {
    name: "makes a resizable buffer",
    source:
      "const all = []; for (;;) { const one = new ArrayBuffer(8, { maxByteLength: 1e9 }); all.push(one); one.resize(1e9); new Uint8Array(one).fill(1); }",
    wanted: "down",
    reason: /resize is not a function/,
  },
  {
    name: "makes a resizable buffer by the constructors of what is there",
    source: `const made = [
      () => Reflect.construct(new Uint8Array(1).buffer.constructor, [8, { maxByteLength: 1e9 }]),
      () => new (Object.getPrototypeOf(new ArrayBuffer(1)).constructor)(8, { maxByteLength: 1e9 }),
      () => new (new DataView(new ArrayBuffer(8)).buffer.constructor)(8, { maxByteLength: 1e9 }),
      () => Reflect.construct(ArrayBuffer, [8, { maxByteLength: 1e9 }], Uint8Array),
      () => new ArrayBuffer(8, { maxByteLength: 1e9 }).transfer(16),
      () => new (class extends ArrayBuffer {})(8, { maxByteLength: 1e9 }),
      () => { class Species extends Uint8Array { static get [Symbol.species]() { return Uint8Array; } } return new Species(8).slice(0).buffer; },
      () => structuredClone(new ArrayBuffer(8, { maxByteLength: 1e9 })),
    ].map((make) => { try { return make(); } catch { return undefined; } });
    for (const one of made) if (one?.resizable === true) return down("a buffer is resizable");`,
    wanted: "up",
  },
  {
    name: "moves buffers to larger ones",
    source: "const all = []; for (;;) all.push(new ArrayBuffer(1e6).transfer(2e7));",
    ...large,
  },
  {
    name: "makes BigInts",
    source: "const all = []; for (;;) all.push(1n << 1_000_000n);",
    ...large,
    reason: /^timed out|^out of memory|^Maximum BigInt/,
  },
  {
    name: "makes functions by text",
    source:
      'const all = []; for (let i = 0; ; i++) all.push(new Function(`return ${i} + "${"x".repeat(1000)}"`));',
    ...bomb,
  },
  {
    name: "formats numbers in every language",
    source:
      'const all = []; for (;;) all.push(new Intl.NumberFormat("de"), new Intl.DateTimeFormat("ja"), new Intl.Collator("sv"));',
    ...bomb,
  },
  {
    name: "leaks a little at each invocation",
    top: "const kept = [];",
    source: 'kept.push("x".repeat(4e6) + kept.length, new Array(1e6).fill(kept.length));',
    wanted: "up",
    runs: 12,
    mayRecycle: true,
  },
  // With time enough to come to the limit itself, which the engine does not survive in each of these.
  ...[
    ["map", "const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });"],
    ["set", "const all = new Set(); for (let i = 0; ; i++) all.add({ i });"],
    ["dictionary", "const all = {}; for (let i = 0; ; i++) all[`k${i}`] = { i };"],
    ["rope", "let text = []; for (;;) text = [text, 'x'.repeat(100) + Math.random()];"],
  ].map(([what = "", source = ""]): Attack => ({
    name: `takes its time to fill a ${what}`,
    source,
    timeoutMs: 3000,
    ...large,
  })),
  ...[
    ["an array", "const all = []; for (;;) all.push(new Array(1000).fill(1));"],
    ["a long array", "const all = []; for (;;) all.push(new Array(3e7).fill(0));"],
  ].map(([what = "", source = ""]): Attack => ({
    name: `takes its time to fill ${what}`,
    source,
    timeoutMs: 3000,
    ...large,
  })),
];
