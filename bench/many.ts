/** Many checks of one plugin in one daemon, and many plugins in one sandbox host. */
import { readFileSync } from "node:fs";
import { delay } from "@karuntime/lab/time.ts";
import type { Project } from "../runtime/test/sandbox/plugins.ts";
import { configuration, startProject } from "../runtime/test/sandbox/plugins.ts";
import type { Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const CHECKS = 10_000;
const PLUGINS = 1000;
const START_MS_MAX = 180_000;
/** After all have run: what was late at the start is made up for. */
const SETTLE_MS = 5000;
const PAGE_BYTES = 4096;
const GIGABYTE = 1024 ** 3;

const plugin = (mark: string): string => `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { processes: ["nginx"] },
  async check({ processes, down }) {
    if ((await processes.count("nginx")) > 1e9) return down("${mark}");
  },
});
`;

export const many: Measurement = {
  name: "many",
  title: "10,000 checks a second, and 1,000 plugins in one host",
  async run(quick) {
    const checks = await startProject({
      "check.ts": plugin("one"),
      "karuntime.config.ts": configuration(
        `checks: Object.fromEntries(Array.from({ length: ${CHECKS} }, (_, index) => ["check" + index, { plugin: "./check.ts", interval: "1s" }])),`,
      ),
    });
    const slipped = await slippedPerThousand(checks, quick ? 10 : 60);
    const plugins = await startProject({
      ...Object.fromEntries(
        Array.from({ length: PLUGINS }, (_, index) => [`check${index}.ts`, plugin(String(index))]),
      ),
      "karuntime.config.ts": configuration(
        `checks: Object.fromEntries(Array.from({ length: ${PLUGINS} }, (_, index) => ["check" + index, { plugin: "./check" + index + ".ts", interval: "1s" }])),`,
      ),
    });
    const bytes = await memoryOf(plugins);
    return [
      {
        what: `intervals that ${CHECKS} checks a second missed, of 1,000`,
        unit: "",
        by: "median",
        keepalived: undefined,
        karuntime: summarize([slipped.perThousand]),
        aim: "<= 1",
        met: slipped.perThousand <= 1,
        note: slipped.note,
      },
      {
        what: `memory of a sandbox host with ${PLUGINS} plugins`,
        unit: "GB",
        by: "median",
        keepalived: undefined,
        karuntime: summarize([bytes / GIGABYTE]),
        aim: "<= 2 GB",
        met: bytes <= 2 * GIGABYTE,
      },
    ];
  },
};

async function slippedPerThousand(
  project: Project,
  seconds: number,
): Promise<{ readonly perThousand: number; readonly note: string }> {
  try {
    await settled(project, CHECKS);
    const before = await totals(project);
    const cpuBefore = cpuMs(project);
    await delay(seconds * 1000);
    const after = await totals(project);
    const runs = after.runs - before.runs;
    const skipped = after.skipped - before.skipped;
    const perRun = (cpuMs(project) - cpuBefore) / runs;
    return {
      perThousand: (skipped / (runs + skipped)) * 1000,
      note: `${runs} runs and ${skipped} missed intervals in ${seconds} s, ${perRun.toFixed(3)} ms of CPU time each`,
    };
  } finally {
    await project.stop();
  }
}

async function totals(
  project: Project,
): Promise<{ readonly runs: number; readonly skipped: number }> {
  const reports = await project.plugins.report();
  if (reports.length < CHECKS) throw new Error(`the host reports ${reports.length} checks only`);
  return {
    runs: reports.reduce((sum, { runs }) => sum + runs, 0),
    skipped: reports.reduce((sum, { skipped }) => sum + skipped, 0),
  };
}

/** Waits until each of them has been up, and runs at its time. */
async function settled(project: Project, count: number): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    await delay(SETTLE_MS);
    const reports = await project.plugins.report();
    const ran = reports.filter(({ outcomes }) => outcomes.up > 1).length;
    if (ran === count) return delay(SETTLE_MS).then(() => undefined);
    if (performance.now() > deadline) throw new Error(`${ran} of ${count} checks have run`);
  }
}

async function memoryOf(project: Project): Promise<number> {
  try {
    await settled(project, PLUGINS);
    const statm = readFileSync(`/proc/${project.pid("operator")}/statm`, "latin1");
    return Number(statm.split(" ")[1]) * PAGE_BYTES;
  } finally {
    await project.stop();
  }
}

function cpuMs(project: Project): number {
  const stat = readFileSync(`/proc/${project.pid("operator")}/stat`, "latin1");
  const [, , , , , , , , , , , user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  return (user + system) * 10;
}
