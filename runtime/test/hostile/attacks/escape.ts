/** Ways out of the isolate: each is up only when none of them leads anywhere. */
import type { Attack } from "../attack.ts";

const held = { wanted: "up" } as const;
/** Calls `look` with every object that can be reached from the context, from an error and from the globals. */
const everything = `
    const seen = new Set();
    const look = (value, path, depth) => {
      if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value) || depth > 6) return;
      seen.add(value);
      for (const key of Reflect.ownKeys(value)) {
        let inner;
        try { inner = value[key]; } catch { continue; }
        // Some getters give a rejected promise where others throw.
        if (inner instanceof Promise) inner.catch(() => undefined);
        found(inner, path + "." + String(key));
        look(inner, path + "." + String(key), depth + 1);
      }
      look(Object.getPrototypeOf(value), path + ".__proto__", depth + 1);
    };`;

export const escape: readonly Attack[] = [
  {
    name: "looks for the process through constructors",
    source: `for (const each of [context, log, down, processes.count, fetch, options, services.start, new Error(), [], setTimeout, AbortSignal, AbortController, console.log, (async () => {})(), await processes.count("x").catch((error) => error)]) {
      const Made = each.constructor.constructor;
      for (const text of ["return typeof process", "return typeof require", "return typeof globalThis.ivm", "return typeof Buffer"]) {
        const type = Made(text)();
        if (type !== "undefined") return down(text + " is " + type);
      }
    }`,
    ...held,
  },
  {
    name: "looks for the process in async and generator functions",
    source: `const makers = [async () => {}, function* () {}, async function* () {}].map((one) => Object.getPrototypeOf(one).constructor);
    for (const Maker of makers) {
      const made = Maker("return typeof process")();
      const value = typeof made.next === "function" ? (await made.next()).value : await made;
      if (value !== "undefined") return down(String(value));
    }`,
    ...held,
  },
  {
    name: "imports a module",
    source: `for (const name of ["node:fs", "fs", "file:///etc/passwd", "data:text/javascript,export default 1", "isolated-vm"])
      try { await new Function("name", "return import(name)")(name); return down("imported " + name); } catch {}
    for (const text of ["require('fs')", "module.require('fs')", "process.binding('fs')", "globalThis.process.mainModule"])
      try { (0, eval)(text); return down("required by " + text); } catch {}`,
    ...held,
  },
  {
    name: "imports a module of Node",
    module:
      'import { readFileSync } from "node:fs";\nexport default { kind: "check", check() { readFileSync("/etc/passwd"); } };',
    source: "",
    wanted: "refused",
    reason: /does not exist in the sandbox/,
  },
  {
    name: "imports by an expression",
    source: 'await import(["node", "fs"].join(":"));',
    wanted: "down",
    reason: /import|not supported|module/i,
  },
  {
    name: "looks for what is taken away by every path",
    source: `const names = ["WebAssembly", "Atomics", "SharedArrayBuffer", "FinalizationRegistry", "WeakRef"];
    const worlds = [globalThis, Function("return this")(), (0, eval)("this"), new Function("return globalThis")(), (function () { return this; })() ?? globalThis, Object.getPrototypeOf(globalThis)];
    for (const world of worlds) for (const name of names) if (name in world) return down(name);
    for (const name of names) if (Function("return typeof " + name)() !== "undefined") return down(name + " by name");`,
    ...held,
  },
  {
    name: "looks for hidden classes in everything that it can reach",
    source: `let bad;
    const found = (value, path) => { if (typeof value === "function" && /^(WebAssembly|SharedArrayBuffer|Reference|ExternalCopy|Isolate|Callback|Module|Instance|Memory)$/.test(value.name)) bad ??= path; };
    ${everything}
    look(globalThis, "globalThis", 0); look(context, "context", 0);
    const error = await processes.count("x").catch((error) => error); look(error, "error", 0);
    if (bad !== undefined) return down(bad);`,
    timeoutMs: 1000,
    ...held,
  },
  {
    name: "finds a shared buffer in typed arrays",
    source: `for (const make of [() => new Int32Array(4).buffer, () => new DataView(new ArrayBuffer(8)).buffer, () => Reflect.construct(Uint8Array, [4]).buffer]) {
      const buffer = make();
      if (Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]") return down("shared");
      if (buffer.constructor.name === "SharedArrayBuffer") return down("shared");
    }`,
    ...held,
  },
  {
    name: "reads the call sites of a stack",
    source: `let sites;
    try { Error.prepareStackTrace = (error, all) => all; sites = new Error().stack; } catch {}
    if (Array.isArray(sites)) return down("call sites: " + sites.length);
    class Mine extends Error { static prepareStackTrace(error, all) { return all; } }
    if (Array.isArray(new Mine().stack)) return down("call sites of a subclass");
    const target = {}; Error.captureStackTrace(target);
    if (Array.isArray(target.stack)) return down("captured");`,
    ...held,
  },
  {
    name: "follows caller and arguments to the host",
    source: `const reach = (step) => { try { return step(); } catch { return undefined; } };
    for (const each of [log.info, down, fetch, processes.count, setTimeout])
      for (const key of ["caller", "arguments", "callee"])
        if (reach(() => each[key]) != null) return down(key);`,
    ...held,
  },
  {
    name: "looks for this outside",
    source: `const names = Object.getOwnPropertyNames(globalThis).filter((name) => /karuntime|ivm|isolate|host|node/i.test(name));
    const own = names.filter((name) => name !== "__karuntimeModule");
    if (own.length > 0) return down(own.join());`,
    ...held,
  },
  {
    name: "makes a realm of its own",
    source: `if (typeof ShadowRealm !== "undefined") { const other = new ShadowRealm(); if (other.evaluate("typeof WebAssembly") !== "undefined") return down("a realm has WebAssembly"); }
    if (typeof document !== "undefined" || typeof Worker !== "undefined" || typeof d8 !== "undefined") return down("a shell");`,
    ...held,
  },
  {
    name: "uses the engine's own syntax",
    source: `for (const text of ["%DebugPrint(1)", "%GetOptimizationStatus(() => 1)", "debugger; 1", "gc()"])
      try { if (new Function("return (" + text + ")")() !== undefined && text.startsWith("%")) return down(text); } catch {}`,
    ...held,
  },
  {
    name: "reads what other contexts left in shared places",
    source: `const mark = Symbol.for("karuntime.mark");
    if (Object.prototype[mark] !== undefined || globalThis[mark] !== undefined) return down("left behind");`,
    ...held,
  },
];
