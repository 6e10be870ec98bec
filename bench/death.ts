/** How long the address outlives the process that it depends on: from the kill to the resignation on the wire. */
import { startCapture } from "@karuntime/lab/capture.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import type { Contender } from "./contenders.ts";
import { contenders } from "./contenders.ts";
import type { Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const ROUNDS = 20;
/** As /proc/PID/comm has it: at most 15 characters. */
const PROCESS = "bench-server";
const SOURCE = "192.168.188.11";
const DEADLINE_MS = 20_000;
const AIM_MS = 50;

export const death: Measurement = {
  name: "death",
  title: "from the death of a watched process to the address leaving",
  async run(quick) {
    const samples = new Map<Contender, readonly number[]>();
    for (const contender of contenders)
      samples.set(contender, await measure(contender, quick ? 3 : ROUNDS));
    const [keepalived, karuntime] = contenders.map((contender) =>
      summarize(samples.get(contender) ?? []),
    );
    if (keepalived === undefined || karuntime === undefined)
      throw new Error("a contender is missing");
    return [
      {
        what: "death of a watched process to the resignation",
        unit: "ms",
        by: "median",
        keepalived,
        karuntime,
        aim: `<= ${AIM_MS} ms`,
        met: karuntime.median <= AIM_MS,
        note: `${karuntime.count} times; the longest ${keepalived.max.toFixed(1)} and ${karuntime.max.toFixed(1)} ms; keepalived asks by a script once a second`,
      },
    ];
  },
};

async function measure(contender: Contender, rounds: number): Promise<readonly number[]> {
  const lab = await createLab();
  try {
    const wire = await startCapture(lab.switch);
    const host = await lab.host("node-a", { address: `${SOURCE}/24` });
    await host.run(["cp", "/bin/sleep", `/run/${PROCESS}`]);
    let server = await host.spawn([`/run/${PROCESS}`, "600"]);
    await contender.start(host, { id: 51, priority: 200, watched: PROCESS });
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const fromMs = now();
      await waitFor(
        "the host to be master",
        () => wire.advertisements(fromMs, SOURCE).some(({ priority }) => priority > 0),
        DEADLINE_MS,
      );
      // Anywhere in the interval of whoever asks once a second; and what was just started is known by then.
      await delay(1500 + Math.random() * 1000);
      const killedAtMs = now();
      server.kill("SIGKILL");
      const resignation = await waitFor(
        "the resignation",
        () => wire.advertisements(killedAtMs, SOURCE).find(({ priority }) => priority === 0),
        DEADLINE_MS,
      );
      if (resignation !== undefined) samples.push(resignation.atMs - killedAtMs);
      server = await host.spawn([`/run/${PROCESS}`, "600"]);
    }
    return samples;
  } finally {
    await lab.close();
  }
}
