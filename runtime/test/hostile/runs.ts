/**
 * Many cheap hostile invocations, and what they leave behind in the daemon's process, which this one stands in for.
 *
 *   node runtime/test/hostile/runs.ts [INVOCATIONS]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { loadConfiguration } from "../../dist/config/load.js";
import { createJudge } from "../../dist/daemon/judge.js";
import { startPlugins } from "../../dist/daemon/plugins.js";
import type { Attack } from "./attack.ts";
import { pluginOf } from "./attack.ts";

const invocations = Number(process.argv[2] ?? 100_000);
const CHECKS_EACH = 8;
const INTERVAL_MS = 10;
const cheap: readonly Attack[] = [
  { name: "throws", source: 'throw new Error("x".repeat(1000));', wanted: "down" },
  { name: "denied", source: 'await processes.count("init");', wanted: "down" },
  { name: "denied service", source: 'await services.stop("web");', wanted: "down" },
  { name: "forges", source: 'return { down: "forged" };', wanted: "down" },
  {
    name: "flips",
    top: "let n = 0;",
    source: 'if (n++ % 2) return down("y".repeat(1000) + n);',
    wanted: "up",
  },
  {
    name: "logs",
    source: 'for (let i = 0; i < 200; i++) log.error("z".repeat(900) + i);',
    wanted: "up",
  },
];
const folder = mkdtempSync(join(tmpdir(), "karuntime-runs-"));
execFileSync("chmod", ["0755", folder]);
const uses = cheap.flatMap((attack, index) => {
  writeFileSync(join(folder, `${index}.ts`), pluginOf(attack, { granted: 1, secret: 2, folder }));
  return Array.from(
    { length: CHECKS_EACH },
    (_, copy) =>
      [
        `c${index}x${copy}`,
        { plugin: `./${index}.ts`, interval: `${INTERVAL_MS}ms`, timeout: "1s" },
      ] as const,
  );
});
writeFileSync(
  join(folder, "karuntime.config.ts"),
  `export default ${JSON.stringify({
    checks: Object.fromEntries(uses),
    virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.1/32"] } },
  })};`,
);
let changes = 0;
let lines = 0;
const log = pino(
  { level: "debug", base: null },
  {
    write(line) {
      lines++;
      if (line.includes("replaced")) console.log(line.trim());
    },
  },
);
const loaded = await loadConfiguration(join(folder, "karuntime.config.ts"), {});
const judge = createJudge(
  uses.map(([name]) => name),
  () => void changes++,
  log,
);
const plugins = startPlugins(loaded, judge, join(folder, "state"), log);
const startedAtMs = performance.now();
let before: number | undefined;
for (;;) {
  await sleep(500);
  const runs = (await plugins.report()).reduce((sum, check) => sum + check.runs, 0);
  // The first ones load what is loaded once.
  if (before === undefined && runs > invocations / 20) before = heapUsed();
  if (runs >= invocations) {
    const growth = heapUsed() - (before ?? 0);
    const seconds = (performance.now() - startedAtMs) / 1000;
    const { pid, restarts } = plugins.status()[0] ?? { pid: 0, restarts: 0 };
    const residentMb =
      (Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096) / 1e6;
    console.log(
      `${runs} invocations in ${seconds.toFixed(0)} s, ${changes} changes, ${lines} log lines: the daemon's heap grew by ${(growth / 1e6).toFixed(2)} MB; the host has ${residentMb.toFixed(0)} MB and was replaced ${restarts} times`,
    );
    break;
  }
}
await plugins.stop();
rmSync(folder, { recursive: true, force: true });

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
