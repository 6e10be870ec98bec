/** Pings a host a few times, one after the other: up when enough answers come, soon enough. */
import { defineCheck } from "@karuntime/sdk";
import { summarize } from "./probes.ts";

export default defineCheck({
  permissions: { ping: ["{host}"], metrics: true },
  options: {
    host: { type: "string", description: "a name or an address" },
    probes: { type: "number", default: 3, min: 1, max: 20, description: "how many pings" },
    waitMs: { type: "number", default: 200, min: 1, max: 1000, description: "for each answer" },
    lossPercentMax: { type: "number", default: 50, min: 0, max: 99 },
    roundTripMsMax: { type: "number", default: 1000, min: 0, description: "the mean" },
  },
  async check({ options, ping, metrics, down }) {
    const times: (number | undefined)[] = [];
    let failure = "";
    for (let probe = 0; probe < options.probes; probe++)
      try {
        times.push((await ping(options.host, { timeoutMs: options.waitMs })).timeMs);
      } catch (error) {
        times.push(undefined);
        failure = (error as Error).message;
      }
    const { lossPercent, roundTripMs } = summarize(times);
    await metrics.gauge("loss_percent", lossPercent);
    if (roundTripMs === undefined) return down(failure);
    await metrics.gauge("round_trip_ms", roundTripMs);
    if (lossPercent > options.lossPercentMax)
      return down(`${Math.round(lossPercent)} % of the pings are lost: ${failure}`);
    if (roundTripMs > options.roundTripMsMax)
      return down(
        `its answers take ${Math.round(roundTripMs)} ms, expected at most ${options.roundTripMsMax} ms`,
      );
  },
});
