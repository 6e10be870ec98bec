/** Memory of all processes of a contender together, with one check running. */
import { readFileSync } from "node:fs";
import type { Host } from "@karuntime/lab/host.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import { delay } from "@karuntime/lab/time.ts";
import { contenders } from "./contenders.ts";
import type { Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

export const memory: Measurement = {
  name: "memory",
  title: "memory",
  async run(quick) {
    const settleMs = quick ? 8000 : 30_000;
    const megabytes: number[] = [];
    const notes: string[] = [];
    for (const contender of contenders) {
      const lab = await createLab();
      try {
        const host = await lab.host("node-a", { address: "192.168.188.11/24" });
        await (await installNginx(host)).start();
        const others = new Set(host.processes().map((process) => process.pid));
        await contender.start(host, { id: 51, priority: 200, checks: 1 });
        await delay(settleMs);
        const { pss, alone } = measure(host, others);
        megabytes.push(alone);
        notes.push(
          `${contender.name} ${pss.toFixed(1)} MB as PSS, which other Node processes on the machine lower`,
        );
      } finally {
        await lab.close();
      }
    }
    const [keepalived, karuntime] = megabytes.map((value) => summarize([value]));
    if (keepalived === undefined || karuntime === undefined)
      throw new Error("a contender is missing");
    return [
      {
        what: "memory of all processes, shared pages counted once",
        unit: "MB",
        by: "median",
        keepalived,
        karuntime,
        aim: "<= 100 MB",
        met: karuntime.median <= 100,
        note: notes.join("; "),
      },
    ];
  },
};

/** In MB: the kernel's proportional share, and what it would be with no other user of the shared pages. */
function measure(
  host: Host,
  others: ReadonlySet<number>,
): { readonly pss: number; readonly alone: number } {
  let pss = 0;
  let own = 0;
  let shared = 0;
  for (const process of host.processes()) {
    if (others.has(process.pid)) continue;
    let text: string;
    try {
      text = readFileSync(`/proc/${process.pid}/smaps_rollup`, "utf8");
    } catch {
      continue; // A script that has ended in the meantime.
    }
    const kilobytes = (field: string): number =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
    pss += kilobytes("Pss");
    own += kilobytes("Private_Clean") + kilobytes("Private_Dirty");
    // They share the same pages with each other: those of the program and its libraries.
    shared = Math.max(shared, kilobytes("Shared_Clean") + kilobytes("Shared_Dirty"));
  }
  return { pss: pss / 1024, alone: (own + shared) / 1024 };
}
