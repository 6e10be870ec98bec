/** CPU time of one check: the script of the first scenario under keepalived, the same judgement by a plugin. */
import { createLab } from "@karuntime/lab/lab.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import { delay } from "@karuntime/lab/time.ts";
import type { Contender } from "./contenders.ts";
import { contenders } from "./contenders.ts";
import { createCpuGroup } from "./cpu.ts";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

/** How many checks run in the larger of the two runs that are compared. */
const MANY = 21;
/** Until it is master, everything is compiled that will be, and V8 has collected what the start left (8 s after it, for some seconds). */
const SETTLE_MS = 20_000;

export const checks: Measurement = {
  name: "checks",
  title: "a check of nginx, once a second",
  async run(quick) {
    const seconds = quick ? 10 : 30;
    const used = new Map<string, number>();
    for (const contender of contenders) {
      for (const count of [0, 1, MANY]) {
        used.set(`${contender.name} ${count}`, await usedMs(contender, count, seconds));
      }
    }
    const perCheckMs = (from: number, to: number): readonly number[] =>
      contenders.map(({ name }) => {
        const ms = (used.get(`${name} ${to}`) ?? Number.NaN) - (used.get(`${name} ${from}`) ?? 0);
        return ms / ((to - from) * seconds);
      });
    return [
      figure(
        "CPU time of one more check",
        perCheckMs(1, MANY),
        `${MANY} checks a second against 1, over ${seconds} s`,
      ),
      figure(
        "CPU time of the first check",
        perCheckMs(0, 1),
        `1 check a second against none, over ${seconds} s: with the upkeep of the sandbox host, which runs only when there are checks`,
      ),
    ];
  },
};

function figure(what: string, perCheckMs: readonly number[], note: string): Figure {
  const [keepalived, karuntime] = perCheckMs.map((value) => summarize([value]));
  if (keepalived === undefined || karuntime === undefined) {
    throw new Error("a contender is missing");
  }
  const cheaper = keepalived.median / karuntime.median;
  return {
    what,
    unit: "ms",
    by: "median",
    keepalived,
    karuntime,
    aim: "50 times cheaper",
    met: cheaper >= 50,
    note: `${cheaper.toFixed(0)} times cheaper; ${note}`,
  };
}

/** What the contender and everything that it started used while it ran so many checks a second. */
async function usedMs(contender: Contender, count: number, seconds: number): Promise<number> {
  const lab = await createLab();
  const group = createCpuGroup(`${contender.name}-${count}`);
  try {
    const host = await lab.host("node-a", { address: "192.168.188.11/24" });
    const nginx = await installNginx(host);
    await nginx.start();
    const others = new Set(host.processes().map((process) => process.pid));
    await contender.start(host, { id: 51, priority: 200, checks: count });
    await delay(SETTLE_MS);
    for (const process of host.processes()) {
      if (others.has(process.pid)) continue;
      try {
        group.add(process.pid);
      } catch {
        // A script that has ended in the meantime.
      }
    }
    const before = group.usedMs();
    await delay(seconds * 1000);
    return group.usedMs() - before;
  } finally {
    await lab.close();
    await group.close();
  }
}
