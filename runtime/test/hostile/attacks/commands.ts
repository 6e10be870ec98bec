/** Commands and services: words that a shell or a command would take for more than they are. */
import type { Attack } from "../attack.ts";

const trying = (calls: string): string => `for (const call of [${calls}])
      try { const result = await call(); return down("done: " + call + JSON.stringify(result)); } catch {}`;
const fixed = '{ exec: [["/bin/echo", "fixed"]] }';
/** Of this many seconds each, so that they can be found again. */
const LEFT_BEHIND = "271.828";
/** 20 of them, in the command's own group; none ends by SIGTERM. */
const BOMB = JSON.stringify([
  "/bin/sh",
  "-c",
  `trap '' TERM; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep ${LEFT_BEHIND} & done; wait`,
]);
const open = '{ exec: [["/bin/echo", "..."]] }';

export const commands: readonly Attack[] = [
  {
    name: "adds to a fixed command",
    source: trying(
      [
        '["/bin/echo", "fixed", "x"]',
        '["/bin/echo", "fixed; touch FOLDER/pwned"]',
        '["/bin/echo", "fixed\\0"]',
        '["/bin/echo"]',
        '["/bin/../bin/echo", "fixed"]',
        '["//bin/echo", "fixed"]',
        '["echo", "fixed"]',
        '["./echo", "fixed"]',
        '["/bin/echo fixed"]',
        '["/bin/sh", "-c", "touch FOLDER/pwned"]',
        "[]",
        '["..."]',
        '"/bin/echo"',
        '{ length: 2, 0: "/bin/echo", 1: "fixed\\n" }',
        '[["/bin/echo"], ["fixed", "x"]]',
      ]
        .map((argv) => `() => exec(${argv})`)
        .join(", "),
    ),
    permissions: fixed,
    timeoutMs: 2000,
    wanted: "up",
  },
  {
    name: "gives a shell's letters to a command with further arguments",
    source: `const words = ["$(touch FOLDER/pwned)", ";", "touch", "FOLDER/pwned", "|", "sh", "\`touch FOLDER/pwned\`", ">FOLDER/pwned", "&&", "*", "~", "\\n"];
    const { stdout } = await exec(["/bin/echo", ...words]);
    if (stdout !== words.join(" ") + "\\n") return down(stdout);`,
    permissions: open,
    timeoutMs: 3000,
    wanted: "up",
  },
  {
    name: "changes its words after they were looked at",
    source: `let asked = 0; const argv = ["/bin/echo", { toString: () => (asked++ === 0 ? "fixed" : "other") }];
    const { stdout } = await exec(argv); if (stdout !== "fixed\\n") return down(stdout);`,
    permissions: fixed,
    timeoutMs: 3000,
    wanted: "up",
  },
  {
    name: "declares a command without a path",
    source: 'await exec(["echo"]);',
    permissions: '{ exec: [["echo"]] }',
    wanted: "refused",
    reason: /absolute path/,
  },
  {
    name: "declares everything",
    source: 'await exec(["/bin/sh"]);',
    permissions: '{ exec: [["..."]] }',
    wanted: "refused",
    reason: /absolute path/,
  },
  {
    name: "gives a word of 10 MB",
    source: 'await exec(["/bin/echo", "x".repeat(1e7)]);',
    permissions: open,
    timeoutMs: 2000,
    wanted: "down",
  },
  {
    name: "gives a word that is longer than the daemon takes",
    source: 'await exec(["/bin/echo", "x".repeat(5000)]);',
    permissions: open,
    timeoutMs: 2000,
    wanted: "down",
  },
  {
    name: "gives more words than there may be",
    source:
      'const { stdout } = await exec(["/bin/echo", ...new Array(1000).fill("x")]); return down(`${stdout.length}`);',
    permissions: open,
    timeoutMs: 2000,
    wanted: "down",
  },
  {
    name: "gives odd time limits",
    source: `for (const timeoutMs of [NaN, -1, Infinity, 1e300, "x", {}, null, 2 ** 31, -0])
      await exec(["/bin/echo", "fixed"], { timeoutMs }).catch((error) => error);`,
    permissions: fixed,
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "starts processes that ignore SIGTERM, and leaves them",
    source: `await exec(${BOMB});`,
    permissions: `{ exec: [${BOMB}] }`,
    leaves: LEFT_BEHIND,
    timeoutMs: 500,
    wanted: "down",
    reason: /^timed out/,
  },
  {
    name: "floods its output",
    source:
      'const { stdout } = await exec(["/bin/sh", "-c", "head -c 50000000 /dev/zero | tr \'\\\\0\' x"]); if (stdout.length > 65536) return down(`${stdout.length}`);',
    permissions: '{ exec: [["/bin/sh", "-c", "head -c 50000000 /dev/zero | tr \'\\\\0\' x"]] }',
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "runs more commands at once than there may be",
    source:
      'const all = await Promise.allSettled(Array.from({ length: 60 }, () => exec(["/bin/sleep", "0.5"]))); const refused = all.filter(({ status }) => status === "rejected").length; if (refused < 40) return down(`${refused} were refused`);',
    permissions: '{ exec: [["/bin/sleep", "0.5"]] }',
    timeoutMs: 5000,
    wanted: "up",
  },
  {
    name: "names services with a shell's letters",
    source: trying(
      [
        '"web;touch FOLDER/pwned"',
        '"web\\0"',
        '"../web"',
        '"--help"',
        '"-H root@host"',
        '"WEB"',
        '"web "',
        '" web"',
        '"__proto__"',
        '"constructor"',
        '"toString"',
        '""',
        '["web", "x"]',
        "null",
        '"web.service"',
        '"web\\n"',
        '{ toString: () => "web\\u200b" }',
      ]
        .flatMap((name) => [`() => services.start(${name})`, `() => services.status(${name})`])
        .join(", "),
    ),
    permissions: '{ services: { web: ["status"] } }',
    timeoutMs: 2000,
    wanted: "up",
  },
  {
    name: "asks for actions that are not granted, or are none",
    source: trying(
      '() => services.start("web"), () => services.stop("web"), () => services.restart("web"), () => services.status.call({ action: "stop" }, "x"), () => services["kill"]("web")',
    ),
    permissions: '{ services: { web: ["status"] } }',
    timeoutMs: 2000,
    wanted: "up",
  },
  {
    name: "grants itself more after it was loaded",
    source: `try { __karuntimeModule.default.permissions.exec.push(["/bin/touch", "FOLDER/pwned"]); __karuntimeModule.default.permissions.mail = true; } catch {}
    ${trying('() => exec(["/bin/touch", "FOLDER/pwned"]), () => mail({ subject: "x", text: "y" })')}`,
    permissions: "{ exec: [] }",
    timeoutMs: 2000,
    wanted: "up",
    runs: 2,
  },
];
