/** Measures how busy this machine is, publishes that, and is down while a limit is exceeded. */
import { defineCheck } from "@karuntime/sdk";
import type { Measure } from "./limits.ts";
import { beyond } from "./limits.ts";

const PRESSURE = { type: "number", default: 0, min: 0, max: 100 } as const;

export default defineCheck({
  permissions: { system: true, metrics: true },
  // 0: measured, not judged.
  options: {
    loadPerCpuMax: { type: "number", default: 0, min: 0, description: "over a minute" },
    memoryPercentMin: { type: "number", default: 0, min: 0, max: 100, description: "available" },
    diskPercentMin: { type: "number", default: 0, min: 0, max: 100, description: "free" },
    paths: { type: "list", default: ["/"], description: "on the disks to look at" },
    cpuPressureMax: { ...PRESSURE, description: "percent of 10 s in which tasks waited" },
    memoryPressureMax: PRESSURE,
    ioPressureMax: PRESSURE,
  },
  async check({ options, system, metrics, down }) {
    const measures: Measure[] = [];

    const { one, cpus } = await system.load();
    measures.push({
      name: "load_per_cpu",
      labels: {},
      value: one / cpus,
      limit: options.loadPerCpuMax,
      bound: "at most",
      what: "the load per processor",
      unit: "",
    });

    const memory = await system.memory();
    measures.push({
      name: "memory_available_percent",
      labels: {},
      value: (100 * memory.availableBytes) / memory.totalBytes,
      limit: options.memoryPercentMin,
      bound: "at least",
      what: "the available memory",
      unit: " %",
    });

    for (const path of options.paths) {
      const { availableBytes, totalBytes } = await system.disk(path);
      measures.push({
        name: "disk_free_percent",
        labels: { path },
        value: (100 * availableBytes) / totalBytes,
        limit: options.diskPercentMin,
        bound: "at least",
        what: `what is free at ${path}`,
        unit: " %",
      });
    }

    const pressureMax = {
      cpu: options.cpuPressureMax,
      memory: options.memoryPressureMax,
      io: options.ioPressureMax,
    };
    for (const resource of ["cpu", "memory", "io"] as const) {
      const limit = pressureMax[resource];
      const pressure = await system.pressure(resource).catch((error: unknown) => {
        // Not every kernel tells it.
        if (limit !== 0) throw error;
      });
      if (pressure === undefined) continue;
      measures.push({
        name: "pressure_percent",
        labels: { resource },
        value: pressure.some.avg10,
        limit,
        bound: "at most",
        what: `the ${resource} pressure`,
        unit: " %",
      });
    }

    for (const { name, value, labels } of measures) await metrics.gauge(name, value, labels);
    const reason = beyond(measures);
    if (reason !== "") return down(reason);
  },
});
