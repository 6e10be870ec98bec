/** Loops and waits: in every place where the engine calls what a plugin wrote. */
import type { Attack } from "../attack.ts";
import { LIMIT } from "../attack.ts";

const loop = "for (;;);";
const ended = { wanted: "down", reason: LIMIT } as const;
const odd = { wanted: "down", reason: /^found .* as the check's result|^timed out/ } as const;

export const loops: readonly Attack[] = [
  { name: "loops", source: loop, ...ended },
  { name: "loops after an await", source: `await null; ${loop}`, ...ended },
  {
    name: "loops after a host call",
    source: `await processes.count("x"); await processes.count("x"); ${loop}`,
    permissions: '{ processes: ["x"] }',
    ...ended,
  },
  {
    name: "loops in a timer",
    source: `await new Promise(() => setTimeout(() => { ${loop} }, 1));`,
    ...ended,
  },
  {
    name: "loops in an abort listener",
    source: `const signal = AbortSignal.timeout(1); signal.addEventListener("abort", () => { ${loop} }); await new Promise(() => {});`,
    ...ended,
  },
  {
    name: "loops in the abort listener of a fetch that is cut off",
    source: `fetch("http://127.0.0.1:GRANTED/", { signal: { aborted: false, addEventListener(type, listener) { ${loop} } } });`,
    permissions: '{ net: ["127.0.0.1:GRANTED"] }',
    ...ended,
  },
  { name: "loops in a finally block", source: `try { ${loop} } finally { ${loop} }`, ...ended },
  {
    name: "loops in a catch of its own end",
    source: `for (;;) try { ${loop} } catch {}`,
    ...ended,
  },
  {
    name: "never settles",
    source: "await new Promise(() => {});",
    wanted: "down",
    reason: /^it waits for something that never comes/,
  },
  {
    name: "waits for a timer that is far away",
    source: "await new Promise((resolve) => setTimeout(resolve, 1e12));",
    ...ended,
  },
  { name: "loops in a getter of its result", source: `return { get down() { ${loop} } };`, ...odd },
  { name: "loops in then of its result", source: `return { then() { ${loop} } };`, ...ended },
  {
    name: "loops in a getter of then of its result",
    source: `return { get then() { ${loop} } };`,
    ...ended,
  },
  {
    name: "is a thenable that leads to itself",
    source: "const it = { then(done) { done(it); } }; return it;",
    ...ended,
  },
  {
    name: "loops in every trap of a proxy that is its result",
    source: `const trap = () => { ${loop} }; return new Proxy({}, new Proxy({}, { get: () => trap }));`,
    ...ended,
  },
  {
    name: "loops in toJSON of its result",
    source: `return { toJSON() { ${loop} } };`,
    ...odd,
  },
  {
    name: "loops in Symbol.toPrimitive of its reason",
    source: `return down({ [Symbol.toPrimitive]() { ${loop} } });`,
    ...ended,
  },
  {
    name: "loops in toString of an argument",
    source: `await fetch({ toString() { ${loop} } });`,
    ...ended,
  },
  {
    name: "loops in the message of its error",
    source: `throw { get message() { ${loop} } };`,
    ...ended,
  },
  {
    name: "loops in message and stack of its error",
    source: `throw { get message() { ${loop} }, get stack() { ${loop} } };`,
    ...ended,
  },
  {
    name: "rejects, unhandled, with an error whose getters loop",
    source: `Promise.reject({ get message() { ${loop} }, get stack() { ${loop} } });`,
    ...ended,
    mayRecycle: true,
  },
  {
    name: "has the engine print its stack by a loop",
    source: `try { Error.prepareStackTrace = () => { ${loop} }; } catch {} try { Object.defineProperty(Error, "prepareStackTrace", { value: () => { ${loop} } }); } catch {} Promise.reject(new Error("x"));`,
    wanted: "down",
    reason: /^x/,
  },
  {
    name: "loops in an async generator",
    source: "async function* all() { for (;;) yield 1; } for await (const one of all());",
    ...ended,
  },
  {
    name: "floods microtasks",
    source: "const again = () => Promise.resolve().then(again); await again();",
    ...ended,
  },
  {
    name: "floods timers",
    source: "for (;;) { await null; for (let i = 0; i < 100; i++) setTimeout(() => {}, 0); }",
    ...ended,
  },
  {
    name: "loops in a timer that starts itself again",
    source:
      "await new Promise(() => { const tick = () => { setTimeout(tick, 0); setTimeout(tick, 0); }; tick(); });",
    ...ended,
  },
  {
    name: "leaves a loop behind in a promise that nobody waits for",
    source: `void (async () => { await null; await null; await null; ${loop} })();`,
    ...ended,
  },
  {
    name: "leaves a loop behind in a timer, and is up",
    source: `setTimeout(() => { ${loop} }, 1);`,
    wanted: "up",
    runs: 3,
  },
  {
    name: "recurses without end",
    source: "const f = () => f(); f();",
    wanted: "down",
    reason: /^Maximum call stack/,
  },
  {
    name: "overflows the stack in the getters of its error",
    source:
      "const deep = { get message() { return deep.message + 1; }, get stack() { return deep.stack + 1; } }; throw deep;",
    wanted: "down",
    reason: /^an error that cannot be read|^Maximum call stack/,
  },
  {
    name: "overflows the stack in toString of a reason",
    source: "const deep = { toString: () => String(deep) }; return down(deep);",
    wanted: "down",
    reason: /^Maximum call stack/,
  },
  {
    name: "calls itself by the host's answers",
    source: 'for (;;) await processes.count("x");',
    permissions: '{ processes: ["x"] }',
    ...ended,
  },
];
