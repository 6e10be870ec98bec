/** One, 50, 255 and 1,000 virtual routers, all of them master, once a second: processor time and memory, and how both grow. */
import { readFileSync } from "node:fs";
import type { Host } from "@karuntime/lab/host.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { startKeepalivedWith } from "@karuntime/lab/keepalived.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { delay, waitFor } from "@karuntime/lab/time.ts";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const COUNTS = [1, 50, 255, 1000];
/** Virtual router ids of an interface. */
const PER_INTERFACE = 250;
const DEADLINE_MS = 60_000;
/** Of /proc/PID/stat. */
const TICK_MS = 10;

interface Placed {
  readonly name: string;
  readonly interface: string;
  readonly id: number;
  readonly address: string;
}

interface Sample {
  /** Share of one core. */
  readonly percent: number;
  readonly megabytes: number;
}

type Name = "keepalived" | "karuntime";

export const scale: Measurement = {
  name: "scale",
  title: "1 to 1,000 virtual routers",
  async run(quick) {
    const seconds = quick ? 5 : 20;
    const counts = quick ? [1, 255] : COUNTS;
    const samples = new Map<number, Readonly<Record<Name, Sample>>>();
    for (const count of counts)
      samples.set(count, {
        keepalived: await sample("keepalived", count, seconds),
        karuntime: await sample("karuntime", count, seconds),
      });
    const growth = (name: Name, key: keyof Sample): number => {
      const [first = 1, last = 1] = [counts[0], counts.at(-1)];
      const difference =
        (samples.get(last)?.[name][key] ?? 0) - (samples.get(first)?.[name][key] ?? 0);
      return difference / (last - first);
    };
    const figures = counts.flatMap((count): Figure[] => {
      const both = samples.get(count);
      if (both === undefined) return [];
      const row = (what: string, unit: string, key: keyof Sample, note: string): Figure => ({
        what: `${what} of the engine, ${count} virtual routers`,
        unit,
        by: "median",
        keepalived: summarize([both.keepalived[key]]),
        karuntime: summarize([both.karuntime[key]]),
        aim: "stated",
        met: true,
        ...(count === counts.at(-1) ? { note } : {}),
      });
      const per = (key: keyof Sample, factor: number, unit: string): string =>
        `for each further virtual router ${(growth("keepalived", key) * factor).toFixed(2)} and ${(growth("karuntime", key) * factor).toFixed(2)} ${unit}`;
      return [
        row("processor time", "%", "percent", per("percent", 10_000, "µs a second")),
        row("memory", "MB", "megabytes", per("megabytes", 1024, "KB")),
      ];
    });
    return figures;
  },
};

async function sample(name: Name, count: number, seconds: number): Promise<Sample> {
  const lab = await createLab();
  try {
    const interfaces = Math.ceil(count / PER_INTERFACE);
    const host = await lab.host(name, {
      address: "10.0.0.1/24",
      extraInterfaces: Array.from({ length: interfaces - 1 }, (_, index) => ({
        name: `more${index}`,
        address: `10.0.${index + 1}.1/24`,
      })),
    });
    const placed = Array.from({ length: count }, (_, index): Placed => {
      const slot = Math.floor(index / PER_INTERFACE);
      const id = (index % PER_INTERFACE) + 1;
      return {
        name: `V${index}`,
        interface: slot === 0 ? host.interface : `more${slot - 1}`,
        id,
        address: `10.1.${slot}.${id}`,
      };
    });
    await start[name](host, placed);
    await waitFor(
      `${count} addresses`,
      async () => (await host.run(["ip", "-brief", "address"])).split("10.1.").length > count,
      DEADLINE_MS,
    );
    // The second bursts of announcements are over.
    await delay(6000);
    const pid = await engineOf[name](host);
    const before = cpuMs(pid);
    await delay(seconds * 1000);
    return { percent: (cpuMs(pid) - before) / (seconds * 10), megabytes: memoryOf(pid) };
  } finally {
    await lab.close();
  }
}

const start: Readonly<Record<Name, (host: Host, placed: readonly Placed[]) => Promise<unknown>>> = {
  keepalived: (host, placed) =>
    startKeepalivedWith(
      host,
      placed
        .map(
          ({ name, interface: device, id, address }) =>
            `vrrp_instance ${name} {\n interface ${device}\n virtual_router_id ${id}\n priority 200\n advert_int 1\n virtual_ipaddress {\n ${address}\n }\n}\n`,
        )
        .join(""),
    ),
  karuntime: (host, placed) => {
    const virtualRouters = Object.fromEntries(
      placed.map(({ name, address, ...router }) => [
        name,
        { ...router, priority: 200, addresses: [address] },
      ]),
    );
    host.write(
      "/run/bench/karuntime.config.ts",
      `export default ${JSON.stringify({ virtualRouters })};`,
    );
    return startKaruntime(host, { configuration: "/run/bench/karuntime.config.ts" });
  },
};

/** The process that speaks the protocol: keepalived's child, karuntime's engine. */
const engineOf: Readonly<Record<Name, (host: Host) => Promise<number>>> = {
  async keepalived(host) {
    const pids = host.processes().filter(({ name }) => name === "keepalived");
    return Math.max(...pids.map(({ pid }) => pid));
  },
  async karuntime(host) {
    const found = host
      .processes()
      .find(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("engine/main.js"));
    if (found === undefined) throw new Error("there is no engine");
    return found.pid;
  },
};

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** What is the process's alone. */
function memoryOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
  return (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) / 1024;
}
