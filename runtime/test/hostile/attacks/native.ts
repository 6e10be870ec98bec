/** Work inside the engine, which looks at no time limit, or only now and then. */
import type { Attack } from "../attack.ts";
import { LIMIT } from "../attack.ts";

const busy = { wanted: "down", reason: LIMIT, mayRecycle: true } as const;
const large = {
  ...busy,
  reason:
    /^timed out|^out of memory|^its sandbox host was ended|^Maximum BigInt|^Invalid |^Maximum call|^Array buffer/,
};

export const native: readonly Attack[] = [
  {
    name: "multiplies BigInts of millions of digits",
    source: "let x = (1n << 20_000_000n) + 1n; for (;;) x = (x * x) >> 20_000_000n;",
    ...large,
  },
  {
    name: "raises a BigInt to a power",
    source: "for (;;) 7n ** 5_000_000n;",
    ...large,
  },
  { name: "prints a BigInt", source: "for (;;) ((1n << 30_000_000n) - 1n).toString();", ...large },
  {
    name: "parses huge JSON",
    source: 'const text = `[${"[],".repeat(3e6)}1]`; for (;;) JSON.parse(text);',
    ...large,
  },
  {
    name: "parses deep JSON",
    source: 'JSON.parse("[".repeat(5e6));',
    ...large,
    reason: /^timed out|^out of memory|^its sandbox host was ended|^Unexpected end|^Maximum call/,
  },
  {
    name: "prints deep JSON",
    source: "let all = []; for (let i = 0; i < 1e6; i++) all = [all]; JSON.stringify(all);",
    ...large,
  },
  { name: "backtracks in a regular expression", source: '/(a+)+b/.test("a".repeat(40));', ...busy },
  {
    name: "backtracks in a regular expression, unicode and sticky",
    source: '/(?:\\p{L}|a)*(?:\\p{L}|a)*(?:\\p{L}|a)*(?:\\p{L}|a)*!/uy.test("a".repeat(5000));',
    ...busy,
  },
  {
    name: "replaces by a regular expression for ever",
    source: 'for (;;) "a".repeat(1e5).replaceAll(/a*?$/g, "b");',
    ...busy,
  },
  {
    name: "compiles a huge regular expression",
    source:
      'for (let i = 0; ; i++) new RegExp(`(?:a{1,1000}){1,1000}${i}`.repeat(100)).test("b".repeat(1000));',
    ...busy,
    reason: /^timed out|^out of memory|^Invalid regular expression/,
  },
  {
    name: "sorts with a comparator that lies",
    source: "for (;;) Array.from({ length: 1e6 }, (_, i) => i).sort(() => Math.random() - 0.5);",
    ...large,
  },
  {
    name: "sorts with a comparator that changes the array",
    source:
      "const all = Array.from({ length: 1e5 }, () => 1); for (;;) all.sort(() => { all.length = 0; all.push({}, {}, {}); return 1; });",
    ...large,
  },
  {
    name: "sorts typed arrays",
    source: "for (;;) new Float64Array(5e6).map(Math.random).sort();",
    ...large,
  },
  {
    name: "joins an array with itself",
    source: "let all = [1]; for (let i = 0; i < 60; i++) all = [all, all]; String(all);",
    ...large,
  },
  {
    name: "compares long strings by language",
    source:
      'for (;;) "ä".repeat(2e6).localeCompare("ä".repeat(2e6) + "b", "de", { numeric: true });',
    ...large,
  },
  {
    name: "normalizes long strings",
    source: 'for (;;) "\\ufdfa".repeat(5e6).normalize("NFKD");',
    ...large,
  },
  {
    name: "pads a string to its longest",
    source: 'for (;;) "a".padEnd(2 ** 29 - 30, "ab").split("").length;',
    ...large,
  },
  {
    name: "searches a string the slow way",
    source: 'for (;;) "a".repeat(1e6).indexOf("a".repeat(5e5) + "b");',
    ...large,
  },
  {
    name: "copies a buffer within itself",
    source: "const all = new Uint8Array(3e7); for (;;) all.copyWithin(1, 0);",
    ...large,
  },
  {
    name: "concatenates holes",
    source: "const holes = []; holes.length = 2 ** 32 - 2; for (;;) holes.indexOf(1);",
    ...large,
  },
  {
    name: "walks a proxy's endless chain of prototypes",
    source: "let it = {}; for (let i = 0; i < 1e5; i++) it = new Proxy(it, {}); it.x;",
    ...large,
  },
  {
    name: "defines a class with a million fields by text",
    source:
      'new Function(`return class { ${Array.from({ length: 3e5 }, (_, i) => `f${i} = ${i};`).join("")} }`)();',
    ...large,
    wanted: "down",
  },
  {
    name: "evaluates deeply nested text",
    source: 'new Function("(".repeat(1e6) + ")".repeat(1e6));',
    ...large,
  },
];
