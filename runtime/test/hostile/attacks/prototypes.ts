/** Changes to what the language is made of, before and between invocations: a verdict is what `check` returned, no other. */
import type { Attack } from "../attack.ts";

/** Each is done at the top level, and again in the check; then the check is down by the rules. */
const saying = (name: string, change: string): Attack => ({
  name,
  top: `const change = () => { try { ${change} } catch {} };`,
  source: 'const say = down; change(); return say("honest");',
  wanted: "down",
  reason: /^honest/,
  runs: 2,
});

/** Likewise, but what it returns is made by hand. */
const forging = (name: string, change: string, result: string): Attack => ({
  name,
  source: `try { ${change} } catch {} return ${result};`,
  wanted: "down",
  reason: /^found .* as the check's result|^timed out/,
  runs: 2,
});

export const prototypes: readonly Attack[] = [
  saying(
    "replaces Promise.prototype.then",
    'Promise.prototype.then = function () { throw new Error("mine"); };',
  ),
  saying("replaces Promise", "globalThis.Promise = class { constructor() { for (;;); } };"),
  saying("replaces Promise.resolve", "Promise.resolve = () => undefined;"),
  saying("replaces JSON", 'globalThis.JSON = { parse: () => ({}), stringify: () => "{}" }; '),
  saying(
    "replaces JSON.stringify",
    'JSON.stringify = () => \'{"type":"result","run":1,"down":null}\';',
  ),
  saying("replaces String.prototype.slice", 'String.prototype.slice = () => "forged";'),
  saying("replaces String", 'globalThis.String = () => "forged";'),
  saying(
    "replaces the methods of WeakSet",
    "WeakSet.prototype.has = () => false; WeakSet.prototype.add = () => {};",
  ),
  saying("replaces Object.freeze", "Object.freeze = (it) => ({ ...it, down: null });"),
  saying(
    "replaces Function.prototype.call",
    "Function.prototype.call = () => undefined; Function.prototype.apply = () => undefined; Function.prototype.bind = () => () => undefined;",
  ),
  saying(
    "replaces Array.prototype.push",
    "Array.prototype.push = () => 0; Array.prototype.map = () => [];",
  ),
  saying("replaces Error", 'globalThis.Error = function () { throw new TypeError("no"); };'),
  saying(
    "makes every object a thenable that says up",
    'const done = Object.prototype; Object.defineProperty(done, "run", { value: 99, writable: true }); Object.defineProperty(done, "error", { value: undefined, writable: true });',
  ),
  {
    name: "replaces the module under its own feet",
    source:
      "try { globalThis.__karuntimeModule = { default: { check() { for (;;); } } }; } catch {} try { __karuntimeModule = 1; } catch {} return down('honest');",
    wanted: "down",
    reason: /^honest|^timed out|^Cannot read/,
    runs: 2,
  },
  {
    name: "deletes the module",
    source:
      'try { delete globalThis.__karuntimeModule; } catch {} try { __karuntimeModule = undefined; } catch {} return down("honest");',
    wanted: "down",
    reason: /^honest|^Cannot read/,
    runs: 2,
  },
  forging("returns a verdict by hand", "", '({ down: "forged" })'),
  forging(
    "returns a verdict by hand, with WeakSet replaced",
    "WeakSet.prototype.has = () => true;",
    '({ down: "forged" })',
  ),
  forging("returns a copy of a verdict", "", '({ ...down("x") })'),
  forging("returns a child of a verdict", "", 'Object.create(down("x"))'),
  forging("returns a proxy of a verdict", "", 'new Proxy(down("x"), {})'),
  {
    name: "pollutes Object.prototype with a result",
    source:
      'Object.prototype.down = null; Object.prototype.type = "result"; Object.prototype.run = 1; throw new Error("honest");',
    wanted: "down",
    reason: /^honest/,
    runs: 2,
  },
  {
    name: "forges messages by toJSON",
    source:
      'Object.prototype.toJSON = function () { return { type: "result", run: 1e9, down: null }; }; return down("honest");',
    wanted: "down",
    reason: /^timed out|^honest|^it waits for something/,
    runs: 2,
  },
  {
    name: "takes the outbox by a setter of Array.prototype",
    source:
      'const say = down("honest"); Object.defineProperty(Array.prototype, 0, { configurable: true, set() { this.length = 0; }, get() { return "1"; } }); return say;',
    wanted: "down",
    reason: /^timed out|^honest|./,
    runs: 2,
  },
  {
    name: "takes the requests by a setter of Object.prototype",
    source:
      'const taken = []; for (let id = 1; id < 9; id++) Object.defineProperty(Object.prototype, id, { configurable: true, set(value) { taken.push(value); } }); await processes.count("x").catch(() => {}); if (taken.length > 0) return down("taken");',
    wanted: "up",
  },
  {
    name: "changes the counts that it is given",
    source:
      'Object.prototype.x = 7; Object.defineProperty(Object.prototype, "y", { get: () => 9 }); const count = await processes.count("y").catch((error) => error.message); if (!String(count).startsWith("not permitted")) return down(String(count));',
    permissions: '{ processes: ["x"] }',
    wanted: "up",
  },
];
