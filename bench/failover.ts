/**
 * The master dies: SIGKILL to every process of its node at once, the web server included, at the same moment after an
 * advertisement each time. How long the client gets no answer, and how long after its timer the backup announces the address.
 */
import { startCapture } from "@karuntime/lab/capture.ts";
import type { Host } from "@karuntime/lab/host.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import type { Nginx } from "@karuntime/lab/nginx.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import { startProbe } from "@karuntime/lab/probe.ts";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import type { Contender } from "./contenders.ts";
import { VIRTUAL_ADDRESS, contenders } from "./contenders.ts";
import type { Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const PRIORITY = 100;
const BACKUP_PRIORITY = 90;
const KILL_AFTER_ADVERTISEMENT_MS = 300;
const DEADLINE_MS = 20_000;
/** The backup's master-down interval, RFC 3768 section 6.1. */
const MASTER_DOWN_MS = 3000 + ((256 - BACKUP_PRIORITY) / 256) * 1000;

interface Trial {
  readonly outageMs: number;
  /** From the end of the master-down interval, which begins with the last advertisement, to the first gratuitous ARP. */
  readonly announcedMs: number;
}

export const failover: Measurement = {
  name: "failover",
  title: "the master's node is killed",
  async run(quick) {
    const rounds = quick ? 3 : 10;
    const trials = new Map<Contender, Trial[]>(contenders.map((contender) => [contender, []]));
    for (const contender of contenders) trials.set(contender, await runTrials(contender, rounds));
    const summary = (contender: Contender | undefined, key: keyof Trial) =>
      summarize((trials.get(contender as Contender) ?? []).map((trial) => trial[key]));
    const [keepalived, karuntime] = contenders;
    const outage = {
      keepalived: summary(keepalived, "outageMs"),
      karuntime: summary(karuntime, "outageMs"),
    };
    const announced = {
      keepalived: summary(keepalived, "announcedMs"),
      karuntime: summary(karuntime, "announcedMs"),
    };
    return [
      {
        what: "outage that a client sees",
        unit: "ms",
        by: "median",
        ...outage,
        aim: "ratio <= 1.00",
        // Two decimals: the client asks every 5 ms.
        met: Math.round((outage.karuntime.median / outage.keepalived.median) * 100) <= 100,
      },
      {
        what: "master-down timer to first gratuitous ARP",
        unit: "ms",
        by: "median",
        ...announced,
        aim: "<= 1 ms",
        met: announced.karuntime.median <= 1,
        note: "from the wire: the last advertisement's stamp + 3.648 s, to the first gratuitous ARP's stamp",
      },
    ];
  },
};

async function runTrials(contender: Contender, rounds: number): Promise<Trial[]> {
  const lab = await createLab();
  try {
    const [high, low, client] = [
      await lab.host("node-a", { address: "192.168.188.11/24" }),
      await lab.host("node-b", { address: "192.168.188.12/24" }),
      await lab.host("client", { address: "192.168.188.20/24" }),
    ];
    const servers = new Map<Host, Nginx>([
      [high, await installNginx(high)],
      [low, await installNginx(low)],
    ]);
    const start = async (host: Host, priority: number): Promise<void> => {
      await servers.get(host)?.start();
      await contender.start(host, { id: 51, priority });
    };
    const wire = await startCapture(low);
    await start(low, BACKUP_PRIORITY);
    const probe = await startProbe(client, { address: VIRTUAL_ADDRESS });
    const trials: Trial[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedMs = now();
      await start(high, PRIORITY);
      await waitFor(
        "the master to advertise",
        () => wire.advertisements(startedMs, "192.168.188.11").length >= 2,
        DEADLINE_MS,
      );
      await probe.answered("node-a", DEADLINE_MS);
      const before = wire.advertisements(startedMs, "192.168.188.11").length;
      await waitFor(
        "an advertisement",
        () => wire.advertisements(startedMs, "192.168.188.11").length > before,
        DEADLINE_MS,
      );
      const last = wire.advertisements(startedMs, "192.168.188.11").at(-1);
      if (last === undefined) throw new Error("the master does not advertise");
      await delay(Math.max(0, last.atMs + KILL_AFTER_ADVERTISEMENT_MS - now()));
      const killedMs = now();
      await high.killEverything();
      await waitFor(
        "the backup to announce itself",
        () => wire.gratuitousArps(killedMs, VIRTUAL_ADDRESS).length > 0,
        DEADLINE_MS,
      );
      const announced = wire.gratuitousArps(killedMs, VIRTUAL_ADDRESS)[0];
      await probe.answered("node-b", DEADLINE_MS);
      await delay(300);
      trials.push({
        outageMs: probe.outage(killedMs).ms,
        announcedMs: (announced?.atMs ?? Number.NaN) - last.atMs - MASTER_DOWN_MS,
      });
      // What a killed keepalived leaves behind would answer for the node that is to come back.
      await high.exec(["ip", "address", "del", `${VIRTUAL_ADDRESS}/32`, "dev", high.interface]);
    }
    return trials;
  } finally {
    await lab.close();
  }
}
