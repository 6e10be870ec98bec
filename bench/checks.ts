/** CPU time of one check: the script of the first scenario under keepalived, the same judgement by a plugin. */
import { createLab } from "@karuntime/lab/lab.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import { delay } from "@karuntime/lab/time.ts";
import type { Contender } from "./contenders.ts";
import { contenders } from "./contenders.ts";
import { createCpuGroup } from "./cpu.ts";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

/** One alone wakes a whole idle machine each time; twenty show what one more costs. */
const COUNTS = [20, 1];
/** Until it is master and everything is compiled that will be. */
const SETTLE_MS = 8000;

export const checks: Measurement = {
  name: "checks",
  title: "a check of nginx, once a second",
  async run(quick) {
    const seconds = quick ? 10 : 30;
    const figures: Figure[] = [];
    const idle = new Map<Contender, number>();
    for (const contender of contenders) idle.set(contender, await usedMs(contender, 0, seconds));
    for (const count of COUNTS) {
      const perCheckMs: number[] = [];
      for (const contender of contenders) {
        const used = await usedMs(contender, count, seconds);
        perCheckMs.push((used - (idle.get(contender) ?? 0)) / (count * seconds));
      }
      figures.push(figure(count, seconds, perCheckMs));
    }
    return figures;
  },
};

function figure(count: number, seconds: number, perCheckMs: readonly number[]): Figure {
  const [keepalived, karuntime] = perCheckMs.map((value) => summarize([value]));
  if (keepalived === undefined || karuntime === undefined) {
    throw new Error("a contender is missing");
  }
  const cheaper = keepalived.median / karuntime.median;
  return {
    what: `CPU time of a check, ${count} a second`,
    unit: "ms",
    by: "median",
    keepalived,
    karuntime,
    aim: "50 times cheaper",
    met: cheaper >= 50,
    note: `${cheaper.toFixed(0)} times cheaper; over ${seconds} s, without what each uses when idle`,
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
