/** Looks after this host's nginx: whether it runs, answers and is not overrun; and starts it when it does not run. */
import { defineCheck } from "@karuntime/sdk";
import { readStubStatus } from "./stub-status.ts";

export default defineCheck({
  permissions: {
    processes: ["{process}"],
    services: { "{restart}": ["start"] },
    net: ["{statusUrl}"],
    metrics: true,
  },
  options: {
    process: { type: "string", default: "nginx", description: "the name of its processes" },
    restart: { type: "string", default: "", description: "the service to start; none: never" },
    statusUrl: {
      type: "string",
      default: "",
      description: "where stub_status is; none: not asked",
    },
    maxActive: { type: "number", default: 0, min: 0, description: "connections; 0: any number" },
    timeoutMs: { type: "number", default: 800, min: 1, description: "for the page" },
  },
  async check({ options, processes, services, fetch, metrics, down }) {
    const { process, restart, statusUrl, maxActive, timeoutMs } = options;
    const running = async (): Promise<boolean> => (await processes.watch(process)) > 0;
    try {
      let failure = "";
      if (restart !== "" && !(await running()))
        await services.start(restart).catch((error: unknown) => {
          failure = `, and ${restart} cannot be started: ${messageOf(error)}`;
        });
      if (!(await running())) return down(`no process ${process} runs${failure}`);
      if (statusUrl === "") return undefined;

      const response = await fetch(statusUrl, { signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) return down(`${statusUrl} answered ${response.status}`);
      const { active, requests } = readStubStatus(await response.text());
      await metrics.gauge("nginx_active_connections", active);
      await metrics.gauge("nginx_requests", requests);
      if (maxActive > 0 && active > maxActive)
        return down(`${active} connections are active, expected at most ${maxActive}`);
      return undefined;
    } catch (error) {
      return down(messageOf(error));
    }
  },
});

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
