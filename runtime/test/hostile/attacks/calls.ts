/** Calls of the host that are none, too many, given up, or after secrets; and texts that are to end the host or to leave it. */
import type { Attack } from "../attack.ts";

/** Has the guest's next call say this instead: JSON.stringify asks Object.prototype.toJSON. */
const forged = (capability: string, argument: string, permissions: string): Attack => ({
  name: `forges a call of ${capability}: ${argument.slice(0, 60)}`,
  source: `let once = true;
    Object.prototype.toJSON = function () { if (!once || this.type !== "call") return this; once = false; return { type: "call", id: 1, capability: "${capability}", argument: ${argument} }; };
    await processes.count("x"); await new Promise(() => {});`,
  permissions,
  wanted: "down",
  timeoutMs: 500,
});
const store = "{ store: true }";
const metrics = "{ metrics: true }";
const net = '{ net: ["127.0.0.1:GRANTED"] }';
const secrets = '{ secrets: ["token", "key"], mail: true }';
/** In how many ways a text can be sent by mistake. */
const spellings =
  '[text, JSON.stringify({ text }), encodeURIComponent(text), btoa(text), btoa("u:" + text), btoa("us:" + text), btoa("use:" + text + ":x"), "x".repeat(990) + text, "x".repeat(480) + text, JSON.stringify(JSON.stringify({ text }))]';
const honest = { wanted: "up", timeoutMs: 2000 } as const;

export const calls: readonly Attack[] = [
  forged("store", '{ action: "set", key: 7, value: "x" }', store),
  forged("store", '{ action: "set", key: ["k"], value: "x" }', store),
  forged("store", '{ action: "set", key: "k", value: 7 }', store),
  forged("store", '{ action: "set", key: "k", value: { length: 1 } }', store),
  forged("store", '{ action: "drop", key: "k", value: "x" }', store),
  forged("store", '{ action: "get", key: "k", value: null, more: 1 }', store),
  forged("store", "null", store),
  forged("metrics", '{ type: "gauge", name: "a", value: 1, labels: [["x"]] }', metrics),
  forged("metrics", '{ type: "__proto__", name: "a", value: 1, labels: { a: {} } }', metrics),
  forged("metrics", "null", metrics),
  forged("secrets.get", '{ name: ["token"] }', '{ secrets: ["token"] }'),
  forged("secrets.get", '{ name: "constructor" }', '{ secrets: ["token"] }'),
  forged(
    "udp",
    '{ target: ["127.0.0.1:9"], octets: 5, timeoutMs: "x" }',
    '{ udp: ["127.0.0.1:9"] }',
  ),
  forged(
    "udp",
    '{ target: "127.0.0.1:9", octets: "\\uffff\\u1234", timeoutMs: -1, answer: {} }',
    '{ udp: ["127.0.0.1:9"] }',
  ),
  forged("udp", "null", '{ udp: ["127.0.0.1:9"] }'),
  forged("dns", "{ name: 5, type: {}, server: [], timeoutMs: {} }", '{ dns: ["127.0.0.1:9"] }'),
  forged(
    "dns",
    '{ name: "x".repeat(300), type: "__proto__", server: "127.0.0.1:9", timeoutMs: -5 }',
    '{ dns: ["127.0.0.1:9"] }',
  ),
  forged("dns", "null", '{ dns: ["127.0.0.1:9"] }'),
  forged("ping", '{ host: ["127.0.0.1"], timeoutMs: {}, size: "56" }', '{ ping: ["127.0.0.1"] }'),
  forged("ping", '{ host: "127.0.0.1", timeoutMs: 1e308, size: 56.5 }', '{ ping: ["127.0.0.1"] }'),
  forged("processes.watch", '{ name: ["init"] }', '{ processes: ["init"] }'),
  forged("processes.watch", "{ name: { toString: 1 } }", '{ processes: ["init"] }'),
  forged("system", '{ what: "disk", path: ["/"] }', "{ system: true }"),
  forged("system", '{ what: "constructor", path: null }', "{ system: true }"),
  forged("connect.write", '{ id: {}, octets: "\\ud800".repeat(9) }', net),
  forged("connect.startTls", "{ id: 1, tls: { ca: 5, key: {}, serverName: [] } }", net),
  forged(
    "connect",
    '{ target: "127.0.0.1:GRANTED", tls: { ca: "x", key: "y", certificate: "z" } }',
    net,
  ),
  forged("timer", "{ milliseconds: -1e308 }", "{}"),
  {
    name: "counts beyond what a number holds, for the host's report",
    source:
      'let said = ""; for (let i = 0; i < 3; i++) await context.metrics.counter("all", Number.MAX_VALUE).catch((error) => (said = error.message)); if (!/number/.test(said)) return down("taken: " + said);',
    permissions: metrics,
    runs: 2,
    ...honest,
  },
  {
    name: "publishes names and labels that lines of metrics are made of",
    source: `for (const [name, labels] of [["a\\nb", {}], ["__proto__", {}], ["a{b}", {}], ["x".repeat(65), {}], ["a", { "b\\"": "c" }], ["a", { __proto__x: "c" }], ["a", { b: "c".repeat(65) }], ["a", { a: "", b: "", c: "", d: "", e: "", f: "" }]])
      try { await context.metrics.gauge(name, 1, labels); return down("took " + JSON.stringify([name, labels])); } catch {}
    await context.metrics.gauge("a", 1, { b: '"} 1\\nforged 1\\u202e\\u2028' });
    for (const value of [NaN, Infinity, -Infinity, "1", {}, null]) try { await context.metrics.gauge("a", value); return down("took " + value); } catch {}`,
    permissions: metrics,
    ...honest,
  },
  {
    name: "publishes more than there may be, from getters and proxies",
    source: `let refused = 0; for (let i = 0; i < 200; i++) await context.metrics.gauge("m" + i, i, new Proxy({}, { ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: "x" }), get: () => "x" })).catch(() => refused++);
    if (refused < 150) return down(refused + " were refused");`,
    permissions: metrics,
    ...honest,
  },
  {
    name: "writes to one key of the store from a thousand calls at once",
    source: `const all = await Promise.allSettled(Array.from({ length: 900 }, (_, i) => context.store.set("k", String(i))));
    const value = await context.store.get("k"); if (!/^\\d+$/.test(value)) return down("found " + value);`,
    permissions: store,
    ...honest,
  },
  {
    name: "fills the store by a race of keys",
    source: `for (let round = 0; round < 20; round++) await Promise.allSettled(Array.from({ length: 60 }, (_, i) => context.store.set("k" + round + "_" + i, "x".repeat(4096))));
    const keys = await context.store.keys(); if (keys.length > 100) return down(keys.length + " keys are kept");`,
    permissions: store,
    wanted: "up",
    timeoutMs: 8000,
  },
  {
    name: "asks the daemon without end",
    source: `for (;;) await Promise.allSettled(Array.from({ length: 60 }, (_, i) => context.store.get("k" + i)));`,
    permissions: store,
    wanted: "down",
    reason: /^timed out/,
    timeoutMs: 1000,
    runs: 4,
  },
  {
    name: "gives the daemon what is long in its letters",
    source: `for (const key of await context.store.keys()) await context.store.delete(key);
    await Promise.allSettled(Array.from({ length: 60 }, (_, i) => context.store.set("\u0001".repeat(64), "\u0001\ud800".repeat(2048)))); await context.store.set("\ud800", "\u2028");`,
    permissions: store,
    ...honest,
  },
  {
    name: "keeps under the names of what every object has",
    source: `for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty", "", "..", "/", "\\0"])
      { const before = await context.store.get(key).catch(() => null); if (before !== null && before !== "mine") return down(JSON.stringify(key) + " is " + before); await context.store.set(key, "mine").catch(() => {}); }
    if ({}.mine !== undefined) return down("polluted");`,
    permissions: store,
    runs: 2,
    ...honest,
  },
  {
    name: "says a secret in every way in which it may be said by mistake",
    source: `for (const name of ["token", "key"]) { const text = await context.secrets.get(name); for (const said of ${spellings}) { log.info(said); await new Promise((done) => setTimeout(done, 110)); } }
    return down("over");`,
    permissions: secrets,
    wanted: "down",
    reason: /^over$/,
    timeoutMs: 5000,
  },
  ...["token", "key"].flatMap((name) =>
    ["text", 'btoa("user:" + text)', "JSON.stringify({ text })", '"x".repeat(990) + text'].flatMap(
      (said): readonly Attack[] => [
        {
          name: `gives the secret ${name} as its reason: ${said}`,
          source: `const text = await context.secrets.get("${name}"); return down(${said});`,
          permissions: secrets,
          wanted: "down",
        },
        {
          name: `throws the secret ${name}: ${said}`,
          source: `const text = await context.secrets.get("${name}"); throw new Error(${said});`,
          permissions: secrets,
          wanted: "down",
        },
      ],
    ),
  ),
  {
    name: "asks for secrets that are not its own",
    source: `for (const name of ["other", "toString", "__proto__", "token\\0", "TOKEN", "token ", { toString: () => "other" }]) try { return down("got " + (await context.secrets.get(name)).length); } catch {}`,
    permissions: secrets,
    ...honest,
  },
  {
    name: "starts hundreds of calls and gives each up at once, again and again",
    source: `if ((await fetch("http://127.0.0.1:GRANTED/")).status !== 200) return down("it cannot any more");
    const all = []; for (let i = 0; i < 400; i++) { const end = new AbortController(); all.push(fetch("http://127.0.0.1:GRANTED/", { signal: end.signal }).catch(() => {})); end.abort(); } await Promise.all(all);`,
    permissions: net,
    ...honest,
    runs: 6,
  },
  {
    name: "ends with a thousand calls under way, again and again",
    source: `for (let i = 0; i < 900; i++) { fetch("http://127.0.0.1:GRANTED/" + i).catch(() => {}); } await null;`,
    permissions: net,
    ...honest,
    runs: 4,
  },
  {
    name: "uses capabilities by promises that outlive the invocation",
    top: "let late = 0; const kept = [];",
    source: `if (kept.length > 0) { for (const one of kept) one.count("init").then(() => late++, () => {}); await new Promise((done) => setTimeout(done, 50)); }
    kept.push(processes); setTimeout(() => services.stop("web").then(() => late++, () => {}), 1); if (late > 0) return down("late ones did " + late);`,
    ...honest,
    runs: 4,
  },
  {
    name: "gives options whose getters change and throw",
    source: `let asked = 0; const odd = new Proxy({}, { get(_, key) { asked++; if (asked % 3 === 0) throw new Error("mine"); return asked % 2 ? "127.0.0.1:SECRET" : new Proxy(() => {}, {}); }, has: () => true, ownKeys: () => ["a", "b"] });
    for (const work of [() => fetch(odd), () => fetch("http://127.0.0.1:GRANTED/", odd), () => connect(odd), () => connect("127.0.0.1:GRANTED", odd), () => exec(odd), () => exec(["/bin/true"], odd), () => mail(odd), () => context.udp(odd, odd, odd), () => context.dns(odd, odd, odd), () => context.ping(odd, odd), () => files.read(odd), () => context.store.set(odd, odd), () => context.metrics.gauge(odd, odd, odd), () => services.start(odd), () => system.disk(odd), () => system.pressure(odd)])
      try { await Promise.race([work(), new Promise((done) => setTimeout(done, 40))]); } catch {}`,
    permissions: net,
    ...honest,
  },
  {
    name: "gives a signal of its own making",
    source: `const signals = [{ aborted: true, reason: "x" }, { aborted: false, addEventListener(_, listener) { for (let i = 0; i < 100; i++) listener(); } }, { get aborted() { throw new Error("mine"); } }];
    for (const signal of signals) { for (const work of [() => fetch("http://127.0.0.1:GRANTED/", { signal }), () => context.udp("127.0.0.1:9", "x", { signal, timeoutMs: 5 }), () => context.ping("127.0.0.1", { signal, timeoutMs: 5 })]) try { await work(); } catch {} }
    if ((await fetch("http://127.0.0.1:GRANTED/")).status !== 200) return down("it cannot any more");`,
    permissions: '{ net: ["127.0.0.1:GRANTED"], udp: ["127.0.0.1:9"], ping: ["127.0.0.1"] }',
    ...honest,
  },
  {
    name: "is redirected to other kinds of places",
    source: `for (const to of ["file:///etc/passwd", "data:text/plain,x", "javascript:1", "ftp://127.0.0.1:GRANTED/", "unix:/run/x", "http://[::1%25lo]:SECRET/", "//127.0.0.1:SECRET/", "http:127.0.0.1:SECRET", "\\\\\\\\127.0.0.1:SECRET\\\\", "http://user:pass@127.0.0.1:SECRET/", "http://[::ffff:7f00:1]:SECRET/", "blob:http://127.0.0.1:SECRET/x"])
      try { const response = await fetch("http://127.0.0.1:GRANTED/to/" + encodeURIComponent(to)); if (response.status === 200 && !response.url.startsWith("http://127.0.0.1:GRANTED/")) return down("came to " + to); } catch {}`,
    permissions: net,
    ...honest,
  },
  {
    name: "connects by addresses with zones, and mapped ones",
    source: `for (const target of ["[::1%lo]:SECRET", "[::1%1]:SECRET", "[fe80::1%lo]:SECRET", "[::ffff:0:127.0.0.1]:SECRET", "[64:ff9b::7f00:1]:SECRET", "[::127.0.0.1]:SECRET", "[2002:7f00:1::]:SECRET", "0:SECRET", "127.0.0.1.nip.io:SECRET", "127.0.0.1%00.x:GRANTED"])
      for (const work of [() => connect(target), () => fetch("http://" + target + "/"), () => context.udp(target, "x", { timeoutMs: 20 }), () => fetch("http://127.0.0.1:GRANTED/", { address: target })])
        try { await work(); return down("reached " + target); } catch {}`,
    permissions: net,
    ...honest,
  },
  {
    name: "gives words with a NUL, half characters, and as an endless list",
    source: `for (const argv of [["/bin/echo", "a\\0b"], ["/bin/echo\\0x", "a"], ["/bin/echo", "\\ud800"], { length: 1e9, 0: "/bin/echo" }, { get length() { return 2 ** 53; } }, ["/bin/echo", "\\n;touch FOLDER/pwned"], ["/bin/sh", "-c", "touch FOLDER/pwned"]])
      try { const { stdout } = await exec(argv); if (stdout.includes("\\0")) return down("ran " + JSON.stringify(argv)); } catch {}`,
    permissions: '{ exec: [["/bin/echo", "..."]] }',
    ...honest,
  },
];
