/** Results that are none, that come twice, or that come late. */
import type { Attack } from "../attack.ts";

const otherwise = { wanted: "down", reason: /^found .* as the check's result/ } as const;
const values = [
  "NaN",
  "Infinity",
  "-0",
  "0",
  "1e308",
  "null",
  "true",
  "false",
  '"up"',
  '""',
  "[]",
  "[undefined]",
  "Symbol('up')",
  "10n",
  "() => {}",
  "new Date()",
  "down",
  "context",
  "{ up: true }",
  "{ toString: () => 'up', valueOf: () => undefined }",
];

export const results: readonly Attack[] = [
  ...values.map((value): Attack => ({
    name: `returns ${value}`,
    source: `return (${value});`,
    ...otherwise,
  })),
  {
    name: "returns what leads to itself",
    source: "const it = {}; it.it = it; it.down = it; return it;",
    ...otherwise,
  },
  {
    name: "returns document.all's like",
    source: "return Object.create(null, { down: { value: undefined } });",
    ...otherwise,
  },
  {
    name: "settles twice",
    source:
      'const say = down("second"); return { then(done, failed) { done(undefined); done(say); failed(new Error("third")); } };',
    wanted: "up",
    runs: 2,
  },
  {
    name: "settles once more, later",
    top: "let before;",
    source: 'before?.(down("late")); return { then(done) { before = done; done(undefined); } };',
    wanted: "up",
    runs: 4,
  },
  {
    name: "settles an invocation that has ended from the next one",
    module: `let runs = 0; let late;
export default { kind: "check", check({ down }) {
  runs++;
  if (runs === 1) { setTimeout(() => {}, 1); return new Promise((done) => { late = () => done(down("late")); setTimeout(() => done(), 5); }); }
  late();
} };`,
    source: "",
    wanted: "up",
    runs: 4,
  },
  {
    name: "throws after it was up",
    source:
      'setTimeout(() => { throw new Error("late"); }, 0); void Promise.reject(new Error("late"));',
    wanted: "down",
    reason: /^late/,
    runs: 3,
  },
  { name: "throws undefined", source: "throw undefined;", wanted: "down", reason: /undefined/ },
  { name: "throws null", source: "throw null;", wanted: "down", reason: /^null/ },
  { name: "throws a symbol", source: "throw Symbol('x');", wanted: "down" },
  {
    name: "throws what cannot be read",
    source: "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } });",
    wanted: "down",
    reason: /^an error that cannot be read/,
  },
  {
    name: "throws a revoked proxy",
    source: "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;",
    wanted: "down",
    reason: /^an error that cannot be read/,
  },
  {
    name: "throws an error of 10 MB",
    source: 'const error = new Error("x".repeat(1e7)); error.stack = "y".repeat(1e7); throw error;',
    wanted: "down",
    reason: /^x{400,500}$/,
  },
  {
    name: "gives a reason of 10 MB",
    source: 'return down("x".repeat(1e7));',
    wanted: "down",
    reason: /^x{500}$/,
  },
  {
    name: "gives a reason of many lines, colours and directions",
    source: 'return down("a\\r\\nb\\u001b[31mc\\0d\\u2028e\\u202ef\\u0085g\\u200bh");',
    wanted: "down",
    reason: /^a b \[31mc d e f g h$/,
  },
  {
    name: "gives half a character as its reason",
    source: 'return down("\\ud800 \\udfff");',
    wanted: "down",
  },
  {
    name: "says a limit's words itself",
    source: 'throw new Error("Script execution timed out.");',
    wanted: "down",
  },
  {
    name: "says that its isolate is gone",
    source: 'throw new Error("Isolate was disposed during execution due to memory limit");',
    wanted: "down",
    runs: 3,
  },
  {
    name: "sends the reader of its stack to other places",
    source:
      'const error = new Error("honest"); error.stack = "x (bundle:0000:1:1)\\n" + "a:".repeat(1900); throw error;',
    wanted: "down",
    reason: /^honest/,
  },
  {
    name: "changes its options for the next invocation",
    source:
      'try { options.a = 1; } catch {} try { Object.setPrototypeOf(options, { b: 2 }); } catch {} if ("a" in options || "b" in options) return down("changed");',
    wanted: "up",
    runs: 3,
  },
  {
    name: "changes the context for the next invocation",
    source:
      'for (const key of Object.keys(context)) try { context[key].evil = 1; context[key] = 1; } catch {} try { log.info = 1; } catch {} try { processes.count = () => 1; } catch {} if (log.evil || typeof log.info !== "function") return down("changed");',
    wanted: "up",
    runs: 3,
  },
  {
    name: "uses the context of the invocation before",
    top: "let before;",
    source:
      'if (before !== undefined) { before.log.info("x"); await before.processes.count("x"); if (before.down("late") === undefined) return down("none"); try { await before.exec(["/bin/true"]); return down("ran"); } catch {} } before = context;',
    permissions: '{ processes: ["x"] }',
    wanted: "up",
    runs: 3,
  },
  {
    name: "uses the verdict of the invocation before",
    top: "let before;",
    source: 'if (before !== undefined) return before; before = down("kept"); return before;',
    wanted: "down",
    reason: /^kept$/,
    runs: 3,
  },
];
