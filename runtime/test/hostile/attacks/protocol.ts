/** Messages to the host that the guest's own code would never write, and calls that were never meant. */
import type { Attack } from "../attack.ts";

/** Has the guest's outbox say what `text`, an expression, says: JSON.stringify asks Object.prototype.toJSON. */
const saying = (text: string): string => `const message = ${text};
    let once = true;
    Object.prototype.toJSON = function () { if (!once || this.type !== "call") return this; once = false; return message; };`;
/** Has the outbox hold these lines, whatever they are: a setter of Array.prototype gets hold of it. */
const holding = (lines: string): string => `const lines = ${lines};
    Object.defineProperty(Array.prototype, 0, { configurable: true, set(value) { if (typeof value !== "string" || !value.startsWith('{"type"')) { Object.defineProperty(this, 0, { value, writable: true, configurable: true, enumerable: true }); return; } lines.forEach((line, i) => Object.defineProperty(this, i, { value: line, writable: true, configurable: true, enumerable: true })); } });`;
const survived = { wanted: "down", timeoutMs: 500 } as const;
const call = (capability: string, argument: string, permissions: string): Attack => ({
  name: `forges a call of ${capability}: ${argument.slice(0, 60)}`,
  source: `${saying(`{ type: "call", id: 1, capability: "${capability}", argument: ${argument} }`)}
    await processes.count("x"); await new Promise(() => {});`,
  permissions,
  ...survived,
});
const execs = '{ exec: [["/bin/echo", "..."]] }';
const net = '{ net: ["127.0.0.1:GRANTED"] }';

export const protocol: readonly Attack[] = [
  call("exec", '{ argv: ["/bin/echo", ["a"]], timeoutMs: 1 }', execs),
  call("exec", '{ argv: ["/bin/echo", null], timeoutMs: 1 }', execs),
  call("exec", '{ argv: "/bin/echo", timeoutMs: 1 }', execs),
  call("exec", '{ argv: ["/bin/echo"], timeoutMs: "soon" }', execs),
  call("exec", "null", execs),
  call("mail", '{ subject: "a", text: ["b"] }', "{ mail: true }"),
  call("mail", '{ subject: ["a"], text: "b" }', "{ mail: true }"),
  call("mail", "{ subject: { x: 1 }, text: { slice: 1 } }", "{ mail: true }"),
  call("service", '{ name: ["web"], action: ["status"] }', '{ services: { web: ["status"] } }'),
  call(
    "service",
    '{ name: "__proto__", action: "__proto__" }',
    '{ services: { web: ["status"] } }',
  ),
  call("log", "null", "{}"),
  call("log", '{ level: "fatal", message: { toString: null } }', "{}"),
  call("log", '{ level: "info", message: "x".repeat(5e6) }', "{}"),
  call("timer", "{ milliseconds: { a: 1 } }", "{}"),
  call("fetch", '{ url: { a: 1 }, method: ["GET"], headers: "abc", body: {} }', net),
  call(
    "fetch",
    '{ url: "http://127.0.0.1:GRANTED/", method: "GET", headers: { __proto__: null, toString: "x", "": "y" } }',
    net,
  ),
  call("connect", '{ target: ["127.0.0.1:GRANTED"], tls: "x", serverName: {}, verify: 7 }', net),
  call(
    "connect",
    '{ target: "127.0.0.1:GRANTED", tls: true, serverName: "127.0.0.1", verify: false }',
    net,
  ),
  call("connect.read", '{ id: "1", delimiter: 5 }', net),
  call("files.read", "{ path: { startsWith: 1 } }", '{ files: ["/tmp/"] }'),
  call("constructor", "{}", "{}"),
  call("__proto__", "{}", "{}"),
  {
    name: "has its outbox say what is no JSON",
    source: `${holding("['nonsense']")} log.info("x"); await new Promise(() => {});`,
    ...survived,
  },
  {
    name: "has its outbox say null",
    source: `${holding("['null', '7', '\"x\"', '[]']")} log.info("x"); await new Promise(() => {});`,
    ...survived,
  },
  {
    name: "forges results of other invocations",
    source: `${holding('[\'{"type":"result","run":0,"down":null}\', \'{"type":"result","run":2,"down":null}\', \'{"type":"result","run":1e9,"down":null}\', \'{"type":"result","down":null}\', \'{"type":"result","run":"1","down":null}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
    reason: /^it waits for something/,
    timeoutMs: 200,
  },
  {
    name: "forges a reason that is no text",
    source: `${holding('[\'{"type":"result","run":1,"down":{"toString":1}}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
  },
  {
    name: "forges a reason of 5 MB",
    source: `${holding('[\'{"type":"result","run":1,"down":"\' + \'\\u200b\'.repeat(5e6) + \'"}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
    timeoutMs: 1000,
  },
  {
    name: "forges a stack that is slow to read",
    source: `${holding('[\'{"type":"error","run":1,"message":"m","stack":"\' + \'a\'.repeat(4e6) + \'"}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
    timeoutMs: 1000,
  },
  {
    name: "forges a message of 5 MB that is slow to read",
    source: `${holding('[\'{"type":"error","run":1,"message":"\' + \'a:1\'.repeat(1e6) + \'","stack":"\' + \'bundle:0:1\'.repeat(1e5) + \'"}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
    timeoutMs: 1000,
  },
  {
    name: "forges messages by the hundred thousand",
    source: `${holding('Array.from({ length: 2e5 }, (_, i) => \'{"type":"call","id":\' + i + \'}\')')} log.info("x"); await new Promise(() => {});`,
    ...survived,
    timeoutMs: 1000,
  },
  {
    name: "forges lists in lists, as deep as it can",
    source: `${holding("['['.repeat(3.9e6) + ']'.repeat(3.9e6)]")} log.info("x"); await new Promise(() => {});`,
    ...survived,
    timeoutMs: 1000,
  },
  {
    name: "forges one id for many commands, to leave them behind",
    source: `${holding('Array.from({ length: 12 }, () => \'{"type":"call","id":5,"capability":"exec","argument":{"argv":["/bin/sleep","314.159"],"timeoutMs":null}}\')')} log.info("x"); await new Promise(() => {});`,
    permissions: '{ exec: [["/bin/sleep", "314.159"]] }',
    leaves: "314.159",
    ...survived,
  },
  {
    name: "cancels what it did not ask for",
    source: `${holding('[\'{"type":"cancel","id":1}\', \'{"type":"cancel"}\', \'{"type":"cancel","id":{}}\', \'{"type":"nothing"}\', \'{}\']')} log.info("x"); await new Promise(() => {});`,
    ...survived,
  },
  {
    name: "answers itself by the entries' own names",
    source: `for (const name of ["start", "resume", "drain", "describe", "guest", "guestCapabilities", "post", "pending", "outbox"])
      if (typeof globalThis[name] !== "undefined") return down(name);
    try { eval("drain()"); return down("drain"); } catch {}`,
    wanted: "up",
  },
  {
    name: "takes an answer from the host apart before it is delivered",
    source: `const taken = []; const { defineProperty } = Object;
    Object.defineProperty(Object.prototype, "error", { configurable: true, get() { taken.push(this); return "forged"; }, set() {} });
    Object.defineProperty(Object.prototype, "value", { configurable: true, get() { return 99; }, set() {} });
    const count = await processes.count("x"); if (count === 99) return down("forged");`,
    permissions: '{ processes: ["x"] }',
    wanted: "up",
  },
  {
    name: "gives a stack that makes the host read its map again and again",
    top: `const ballast = () => { ${Array.from({ length: 20_000 }, (_, i) => `let v${i} = Math.sqrt(${i});`).join("\n")} };`,
    source: `ballast.toString(); const error = new Error("honest"); const name = /bundle:\\w+/.exec(error.stack)[0];
    error.stack = Array.from({ length: 180 }, () => name + ":1:1").join(" "); throw error;`,
    ...survived,
    timeoutMs: 1000,
    reason: /^honest/,
  },
];
