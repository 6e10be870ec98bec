/** Requests to where nothing was granted, by every spelling of it (SSRF). */
import type { Attack } from "../attack.ts";

const net = '{ net: ["127.0.0.1:GRANTED", "localhost:GRANTED"] }';
const patient = { timeoutMs: 3000, wanted: "up", permissions: net } as const;
/** Tries each address; down when one answers. */
const trying = (
  addresses: readonly string[],
): string => `for (const url of ${JSON.stringify(addresses)})
      try { const response = await fetch(url); return down("reached " + url + ": " + response.status); } catch (error) { if (!/not permitted|is not a URL|expected http|redirects/.test(error.message)) return down(url + ": " + error.message); }`;
const spellings = [
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "0x7f.1",
  "127.1",
  "127.0.0.1.",
  "127.0.0.2",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:0:0:1]",
  "0.0.0.0",
  "0",
  "[::]",
  "localhost.",
  "LOCALHOST",
  "①②⑦.0.0.1",
  "127。0。0。1",
  "127%2e0%2e0%2e1",
  "１２７.0.0.1",
  "loc\u00adalhost",
];

export const network: readonly Attack[] = [
  {
    name: "asks an ungranted port in every spelling of this host",
    source: trying(spellings.map((host) => `http://${host}:SECRET/`)),
    ...patient,
  },
  {
    name: "asks the address of cloud credentials in every spelling",
    source: trying(
      [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "[::ffff:169.254.169.254]",
        "169.254.169.254.",
        "[fd00:ec2::254]",
      ].map((host) => `http://${host}/latest/meta-data/`),
    ),
    ...patient,
  },
  {
    name: "hides the host behind a user, a backslash, a fragment",
    source: trying(
      [
        "http://127.0.0.1:GRANTED@127.0.0.1:SECRET/",
        "http://127.0.0.1:GRANTED\\@127.0.0.1:SECRET\\..",
        "http://127.0.0.1:SECRET#@127.0.0.1:GRANTED/",
        "http://127.0.0.1:SECRET/?@127.0.0.1:GRANTED/",
        "http://127.0.0.1:SECRET\\@127.0.0.1:GRANTED/",
        "http:\\\\127.0.0.1:SECRET/",
        "http:127.0.0.1:SECRET/",
        " \t\nhttp://127.0.0.1:SECRET/",
        "ht\ntp://127.0.0.1:SEC\tRET/",
        "//127.0.0.1:SECRET/",
      ].filter((url) => !url.includes("GRANTED\\@")),
    ),
    ...patient,
  },
  {
    name: "plays with the port",
    source: trying([
      "http://127.0.0.1/",
      "http://127.0.0.1:0/",
      "http://127.0.0.1:00000SECRET/",
      "http://127.0.0.1:65536/",
      "http://127.0.0.1:-1/",
      "https://127.0.0.1:SECRET/",
      "http://127.0.0.1:GRANTED0/",
      "http://127.0.0.1:/",
    ]),
    ...patient,
  },
  {
    name: "uses other protocols",
    source: trying([
      "file:///etc/passwd",
      "ftp://127.0.0.1:SECRET/",
      "data:text/plain,x",
      "blob:http://127.0.0.1:SECRET/",
      "javascript:1",
      "unix:/run/x",
      "http+unix://x/",
    ]),
    ...patient,
  },
  {
    name: "is redirected to where nothing is granted",
    source: trying(
      [
        "http://127.0.0.1:SECRET/",
        "//127.0.0.1:SECRET/",
        "http://2130706433:SECRET/",
        "http://[::1]:SECRET/",
        "file:///etc/passwd",
        "http://169.254.169.254/",
        "\\\\127.0.0.1:SECRET/",
      ].map((url) => `http://127.0.0.1:GRANTED/to/${encodeURIComponent(url)}`),
    ),
    ...patient,
  },
  {
    name: "is redirected in a circle",
    source: trying([
      "http://127.0.0.1:GRANTED/to/%2Fto%2F%252Fto%252Fx",
      "http://127.0.0.1:GRANTED/to/.",
    ]).replace("return down(", 'if (url.endsWith("/.")) return down('),
    ...patient,
  },
  ...[
    [
      { headers: { "x-a": "1\r\nx-b: 2" } },
      { headers: { "x\r\ny": "1" } },
      { headers: { "x-a": "\0" } },
    ],
    [
      {
        headers: { "transfer-encoding": "chunked", "content-length": "5" },
        method: "POST",
        body: "x",
      },
      { headers: { host: "a\r\nb" } },
      { method: "GET / HTTP/1.1\r\nx: y" },
    ],
  ].map((inits, index): Attack => ({
    name: `puts lines into a request, ${index + 1}`,
    source: `for (const init of ${JSON.stringify(inits)})
      try { await fetch("http://127.0.0.1:GRANTED/", init); return down(JSON.stringify(init)); } catch {}
    const echo = await (await fetch("http://127.0.0.1:GRANTED/a\\r\\nb c\\u2028d")).text();
    if (/[\\r\\n ]/.test(echo)) return down(JSON.stringify(echo));`,
    ...patient,
  })),
  {
    name: "changes its argument after it was looked at",
    source: `let asked = 0; const url = { toString: () => (asked++ === 0 ? "http://127.0.0.1:GRANTED/" : "http://127.0.0.1:SECRET/") };
    await fetch(url); if (asked !== 1) return down("asked " + asked);
    const target = { toString: () => "127.0.0.1:SECRET", toLowerCase: () => "127.0.0.1:GRANTED" };
    try { await connect(target); return down("connected"); } catch {}`,
    ...patient,
  },
  {
    name: "connects to where nothing is granted",
    source: `for (const target of ["127.0.0.1:SECRET", "localhost:SECRET", "[::1]:SECRET", "[::ffff:127.0.0.1]:SECRET", "2130706433:SECRET", "127.1:GRANTED", "127.0.0.1:GRANTED:SECRET", "127.0.0.1:GRANTED\\n", "127.0.0.1: GRANTED", "/run/x:1", "127.0.0.1:+GRANTED", ":GRANTED", "", "127.0.0.1:GRANTED\\0.x"])
      try { await connect(target); return down("connected to " + target); } catch {}`,
    ...patient,
  },
  {
    name: "opens connections without end",
    source: `const all = []; for (let i = 0; i < 200; i++) all.push(connect("127.0.0.1:GRANTED").catch((error) => error.message));
    const messages = (await Promise.all(all)).filter((one) => typeof one === "string");
    if (messages.length < 100) return down("only " + messages.length + " were refused");`,
    ...patient,
  },
  {
    name: "uses the connection of another invocation",
    top: "let kept;",
    source: `if (kept !== undefined) { try { await kept.write("x"); return down("it still lives"); } catch { return; } }
    kept = await connect("127.0.0.1:GRANTED");`,
    runs: 3,
    ...patient,
    timeoutMs: 1000,
  },
  {
    name: "reads a name of 10 MB, a header of 10 MB, a body of 10 MB",
    source: `await fetch("http://127.0.0.1:GRANTED/" + "x".repeat(1e7), { headers: { x: "y".repeat(1e7) }, body: "z".repeat(1e7), method: "POST" });`,
    permissions: net,
    timeoutMs: 1000,
    wanted: "down",
    reason: /more than the sandbox passes on|^timed out|^out of memory|longer|expected at most/,
  },
  {
    name: "has a name of a million letters put into ASCII",
    source: `await fetch("http://" + Array.from({ length: 1e6 }, (_, i) => String.fromCodePoint(0x4e00 + (i * 7) % 20000)).join("") + "/");`,
    permissions: net,
    timeoutMs: 1000,
    wanted: "down",
    reason: /^timed out|is not a URL|longer|not permitted|^out of memory/,
  },
];
