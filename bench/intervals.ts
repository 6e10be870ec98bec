/** How far the intervals between advertisements on the wire are from what they should be: both masters at once, on one network. */
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { startCapture } from "@karuntime/lab/capture.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import { contenders } from "./contenders.ts";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const INTERVALS_MS = [1000, 10];
const DEADLINE_MS = 20_000;

export const intervals: Measurement = {
  name: "intervals",
  title: "intervals between advertisements, from 1 s and 10 ms",
  async run(quick) {
    const figures: Figure[] = [];
    for (const intervalMs of INTERVALS_MS)
      figures.push(...(await measure(intervalMs, quick ? 10 : 60)));
    return figures;
  },
};

async function measure(advertIntervalMs: number, seconds: number): Promise<readonly Figure[]> {
  const lab = await createLab();
  try {
    const wire = await startCapture(lab.switch);
    for (const [index, contender] of contenders.entries()) {
      const host = await lab.host(contender.name, { address: `192.168.188.${11 + index}/24` });
      await contender.start(host, {
        id: 51 + index,
        priority: 200,
        address: `192.168.188.${100 + index}`,
        advertIntervalMs,
      });
    }
    await waitFor(
      "both to be master",
      () => contenders.every((_, index) => wire.advertisements(0, source(index)).length > 6),
      DEADLINE_MS,
    );
    const idle = await observe(wire, advertIntervalMs, seconds);
    const load = cpus().map(() =>
      spawn("timeout", [String(seconds + 5), "sh", "-c", "while :; do :; done"], {
        stdio: "ignore",
      }),
    );
    const busy = await observe(wire, advertIntervalMs, seconds);
    for (const process of load) process.kill();
    const every = advertIntervalMs < 1000 ? ` at ${advertIntervalMs} ms` : "";
    return [
      figure(`deviation${every}, idle`, idle, "p99"),
      figure(`deviation${every}, every core busy`, busy, "p99"),
      ...(advertIntervalMs < 1000
        ? [figure(`longest deviation${every}, every core busy`, busy, "max")]
        : []),
    ];
  } finally {
    await lab.close();
  }
}

function source(index: number): string {
  return `192.168.188.${11 + index}`;
}

/** The deviations of each contender, in milliseconds. */
async function observe(
  wire: Awaited<ReturnType<typeof startCapture>>,
  intervalMs: number,
  seconds: number,
): Promise<readonly (readonly number[])[]> {
  const fromMs = now();
  await delay(seconds * 1000);
  return contenders.map((_, index) => {
    const at = wire.advertisements(fromMs, source(index)).map((seen) => seen.atMs);
    return at
      .slice(1)
      .map((atMs, position) => Math.abs(atMs - (at[position] ?? Number.NaN) - intervalMs));
  });
}

function figure(
  what: string,
  deviations: readonly (readonly number[])[],
  by: "p99" | "max",
): Figure {
  const [keepalived, karuntime] = deviations.map(summarize);
  if (keepalived === undefined || karuntime === undefined)
    throw new Error("a contender is missing");
  return {
    what,
    unit: "ms",
    by,
    keepalived,
    karuntime,
    aim: "within keepalived's",
    met: karuntime[by] <= keepalived[by],
  };
}
