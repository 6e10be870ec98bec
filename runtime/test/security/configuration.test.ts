/** A configuration's own code, and a plugin's top level, are run by nobody who has privileges. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const karuntime = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const HOST_MAIN = fileURLToPath(new URL("../../dist/sandbox/main.js", import.meta.url));
const needsRoot =
  process.getuid?.() === 0 ? false : "needs root: without it nobody here has privileges";
const WAIT_MS_MAX = 10_000;
/** Of CPU time, in ticks of 10 ms: more than a start takes. */
const LOOP_TICKS = 30;
const WINDOW_MS = 300;

const folder = mkdtempSync(join(tmpdir(), "karuntime-configuration-"));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Code that tries to reach more than an isolate has; what it got is thrown, as the loader shows an error to people. An attacker
 * goes round types as well: hence its `any`.
 */
const ESCAPES = `
const found: Record<string, unknown> = {};
const attempt = (name: string, body: () => unknown): void => {
  try { found[name] = String(body()).slice(0, 60); } catch (error) { found[name] = (error as Error).name; }
};
const world = globalThis as any;
attempt("process", () => typeof world.process);
attempt("require", () => typeof world.require);
attempt("module", () => typeof world.module);
attempt("isolated-vm", () => typeof world.ivm);
attempt("Function", () => new Function("return typeof process + typeof require")());
attempt("constructor", () => (() => 0).constructor("return this === globalThis && typeof process")());
attempt("async constructor", () => typeof (async () => 0).constructor("return process"));
attempt("eval", () => (0, eval)("typeof process"));
attempt("caller", () => (function f(): unknown { return (f as any).caller; })());
attempt("error's stack", () => { (Error as any).prepareStackTrace = (_: unknown, sites: any[]) => sites[0].getThis(); return typeof new Error().stack; });
attempt("WebAssembly", () => typeof world.WebAssembly);
attempt("SharedArrayBuffer", () => typeof world.SharedArrayBuffer);
attempt("environment", () => Object.keys(world.__karuntimeEnvironment ?? {}).includes("KARUNTIME_PROBE"));
throw new Error(JSON.stringify(found));
`;

const EXPECTED = {
  process: "undefined",
  require: "undefined",
  module: "undefined",
  "isolated-vm": "undefined",
  Function: "undefinedundefined",
  constructor: "undefined",
  "async constructor": "function",
  eval: "undefined",
  caller: "TypeError",
  "error's stack": "TypeError",
  WebAssembly: "undefined",
  SharedArrayBuffer: "undefined",
};

const CONFIGURATION = `export default {
  checks: { a: { plugin: "./a.ts" } },
  virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.10/24"], track: { checks: ["a"] } } },
};
`;
const PLUGIN = 'export default { kind: "check", check() {} };\n';

let projects = 0;
function project(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(folder, `project${projects++}-`));
  for (const [name, text] of Object.entries({
    "karuntime.config.ts": CONFIGURATION,
    "a.ts": PLUGIN,
    ...files,
  })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return join(path, "karuntime.config.ts");
}

for (const [whose, files, environment] of [
  ["a configuration", { "karuntime.config.ts": ESCAPES + CONFIGURATION }, "true"],
  ["a plugin's top level", { "a.ts": ESCAPES + PLUGIN }, "false"],
] as const)
  describe(`the code of ${whose}`, () => {
    test("finds no way out of its isolate", () => {
      const { stdout } = spawnSync(karuntime, ["validate", "--json", "-c", project(files)], {
        encoding: "utf8",
        env: { ...process.env, KARUNTIME_PROBE: "1" },
      });
      const [diagnostic] = JSON.parse(stdout) as readonly { readonly message: string }[];
      assert.deepEqual(JSON.parse(diagnostic?.message ?? ""), { ...EXPECTED, environment });
    });

    test("runs in a process without privileges", { skip: needsRoot }, async () => {
      const [name = ""] = Object.keys(files);
      const source = name === "a.ts" ? PLUGIN : CONFIGURATION;
      const file = project({ [name]: `for (;;);\n${source}` });
      const loader = spawn(karuntime, ["validate", "-c", file], { stdio: "ignore" });
      try {
        const burning = await looping(loader.pid ?? 0);
        const status = readFileSync(`/proc/${burning}/status`, "utf8");
        assert.doesNotMatch(status, /^Uid:\t0\t/m);
        assert.match(status, /^CapEff:\t0+$/m);
        const others = family(loader.pid ?? 0).filter((pid) => pid !== burning);
        const [before, othersBefore] = [ticks(burning), others.map(ticks)];
        await sleep(WINDOW_MS);
        const took = ticks(burning) - before;
        const othersTook = others.map((pid, index) => ticks(pid) - (othersBefore[index] ?? 0));
        assert.ok(took > 2 * Math.max(...othersTook), `${took} ticks, the others ${othersTook}`);
      } finally {
        const ended = once(loader, "exit");
        loader.kill("SIGKILL");
        await ended;
      }
    });
  });

test("an installed package's top level runs in another process than the configuration's code", async () => {
  const file = project({
    "karuntime.config.ts": CONFIGURATION.replace("./a.ts", "guest"),
    "node_modules/guest/package.json": '{ "name": "guest", "exports": "./index.js" }',
    "node_modules/guest/index.js": `for (;;);\n${PLUGIN}`,
  });
  const loader = spawn(karuntime, ["validate", "-c", file], { stdio: "ignore" });
  try {
    const burning = await looping(loader.pid ?? 0);
    const evaluating = family(loader.pid ?? 0).filter((pid) =>
      commandLine(pid).includes(HOST_MAIN),
    );
    assert.equal(evaluating.length, 2);
    // The configuration's was started first.
    assert.equal(burning, evaluating.at(-1));
  } finally {
    const ended = once(loader, "exit");
    loader.kill("SIGKILL");
    await ended;
  }
});

/** The evaluating process of the family, once it has computed for longer than any start takes. */
async function looping(pid: number): Promise<number> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (performance.now() < deadline) {
    const found = family(pid).find(
      (member) => commandLine(member).includes(HOST_MAIN) && ticks(member) > LOOP_TICKS,
    );
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error("no evaluating process computed for long");
}

function family(pid: number): readonly number[] {
  const children = readOr(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** utime and stime: proc(5), /proc/PID/stat, fields 14 and 15. */
function ticks(pid: number): number {
  const fields = readOr(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

function commandLine(pid: number): readonly string[] {
  return readOr(`/proc/${pid}/cmdline`).split("\0");
}

/** "" for a process that has ended. */
function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
