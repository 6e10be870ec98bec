/** The top level of a module: evaluated once for its manifest, and again in the host, where it may behave otherwise. */
import type { Attack } from "../attack.ts";
import { LIMIT } from "../attack.ts";

/** The loader hands over an environment, the host does not: the plugin can tell where it is. */
const later = (text: string): string =>
  `if (!("__karuntimeEnvironment" in globalThis)) { ${text} }`;
const quiet = { source: "", wanted: "down" } as const;
const refusedEnd = { source: "", wanted: "refused" } as const;

export const topLevel: readonly Attack[] = [
  { name: "loops at the top level", top: "for (;;);", ...refusedEnd, reason: /timed out/ },
  {
    name: "throws at the top level",
    top: 'throw new Error("not today");',
    ...refusedEnd,
    reason: /not today/,
  },
  {
    name: "throws something with looping getters at the top level",
    top: "throw { get message() { for (;;); }, get stack() { for (;;); } };",
    ...refusedEnd,
  },
  {
    name: "leaves a rejection with looping getters at the top level",
    top: "Promise.reject({ get message() { for (;;); }, get stack() { for (;;); } });",
    ...refusedEnd,
  },
  {
    name: "fills the memory at the top level",
    top: "const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });",
    ...refusedEnd,
  },
  { name: "exports nothing", module: "export {};", ...refusedEnd, reason: /no plugin/ },
  { name: "exports a number", module: "export default 7;", ...refusedEnd, reason: /no plugin/ },
  {
    name: "exports a notifier as a check",
    module: 'export default { kind: "notifier", notify() {} };',
    ...refusedEnd,
    reason: /notifier/,
  },
  {
    name: "exports a loop in toJSON",
    module: 'export default { kind: "check", toJSON() { for (;;); } };',
    ...refusedEnd,
    reason: /timed out/,
  },
  {
    name: "exports a manifest of 20 MB",
    module: 'export default { kind: "check", permissions: { processes: ["x".repeat(2e7)] } };',
    ...refusedEnd,
  },
  {
    name: "exports a manifest with a getter that changes",
    module:
      'let asked = 0; export default { kind: "check", get permissions() { return asked++ === 0 ? {} : { mail: true }; }, async check({ mail, down }) { try { await mail({ subject: "x", text: "y" }); return down("sent"); } catch {} } };',
    source: "",
    wanted: "up",
  },
  {
    name: "asks for a permission that there is not",
    module: 'export default { kind: "check", permissions: { root: true }, check() {} };',
    ...refusedEnd,
  },
  {
    name: "declares options by the names of what every object has",
    module:
      'export default { kind: "check", options: { ["__proto__"]: { type: "string", default: "x" }, constructor: { type: "string", default: "y" }, toString: { type: "boolean", default: true } }, check({ options, down }) { if (Object.getPrototypeOf(options) !== Object.prototype) return down("changed"); } };',
    source: "",
    wanted: "up",
  },
  {
    name: "has no check",
    module: 'export default { kind: "check" };',
    ...quiet,
    reason: /is not a function/,
  },
  {
    name: "loops at the top level, but only in the host",
    top: later("for (;;);"),
    ...quiet,
    reason: /^timed out/,
  },
  {
    name: "throws at the top level, but only in the host",
    top: later('throw new Error("not today");'),
    ...quiet,
    reason: /^not today/,
  },
  {
    name: "floods microtasks at the top level, but only in the host",
    top: later("const again = () => Promise.resolve().then(again); again();"),
    ...quiet,
    reason: LIMIT,
  },
  {
    name: "throws something with looping getters at the top level, but only in the host",
    top: later("throw { get message() { for (;;); }, get stack() { for (;;); } };"),
    ...quiet,
    reason: LIMIT,
    mayRecycle: true,
  },
  {
    name: "leaves a rejection with looping getters at the top level, but only in the host",
    top: later("Promise.reject({ get message() { for (;;); }, get stack() { for (;;); } });"),
    ...quiet,
    reason: LIMIT,
    mayRecycle: true,
  },
  {
    name: "multiplies BigInts at the top level, but only in the host",
    top: later("let x = (1n << 20_000_000n) + 1n; for (;;) x = (x * x) >> 20_000_000n;"),
    ...quiet,
    reason: LIMIT,
    mayRecycle: true,
  },
  {
    name: "fills a map at the top level, but only in the host",
    top: later("const all = new Map(); for (let i = 0; ; i++) all.set(i, { i });"),
    ...quiet,
    reason: LIMIT,
    mayRecycle: true,
  },
  {
    name: "takes the builtins away at the top level",
    top: "for (const name of Object.getOwnPropertyNames(globalThis)) if (name !== '__karuntimeModule') try { delete globalThis[name]; } catch {}",
    source: 'return down("honest");',
    wanted: "down",
    reason: /^honest/,
  },
  {
    name: "freezes the world at the top level",
    top: "for (const name of Object.getOwnPropertyNames(globalThis)) if (!/^(globalThis|self|__karuntimeModule)$/.test(name)) try { Object.freeze(globalThis[name]); Object.freeze(globalThis[name].prototype); } catch {}",
    source: 'return down("honest");',
    wanted: "down",
    reason: /^honest/,
  },
  {
    name: "starts timers at the top level",
    top: "for (let i = 0; i < 5000; i++) setTimeout(() => { for (;;); }, 0);",
    source: "",
    wanted: "up",
    runs: 2,
  },
];
