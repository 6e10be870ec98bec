/** Counts processes by name, and runs at once when one of them ends. */
import { defineCheck } from "@karuntime/sdk";
import type { Count } from "./missing.ts";
import { faults, missing } from "./missing.ts";

/** No weight goes further. */
const WEIGHT_MAX = 253;

export default defineCheck({
  permissions: { processes: ["{names...}"] },
  options: {
    names: { type: "list", description: "as in /proc/PID/comm, at most 15 characters each" },
    min: { type: "number", default: 1, min: 0, description: "how many of each name" },
    max: { type: "number", default: 0, min: 0, description: "likewise; 0: any number" },
    weightPerMissing: {
      type: "number",
      default: 0,
      min: -WEIGHT_MAX,
      max: WEIGHT_MAX,
      description: "instead of being down: what each missing process adds to the priority",
    },
  },
  async check({ options, processes, down, weight }) {
    const { names, min, max, weightPerMissing } = options;
    if (names.length === 0) throw new Error("names is empty, expected the name of a process");
    const counts: Count[] = [];
    for (const name of names) counts.push({ name, running: await processes.watch(name) });
    // With a weight, too few are no fault; too many always are.
    const fault = faults(counts, weightPerMissing === 0 ? min : 0, max);
    if (fault !== "") return down(fault);
    if (weightPerMissing === 0) return undefined;
    const sum = missing(counts, min) * weightPerMissing;
    return weight(Math.max(-WEIGHT_MAX, Math.min(WEIGHT_MAX, sum)));
  },
});
