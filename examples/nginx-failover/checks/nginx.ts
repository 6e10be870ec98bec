/**
 * In place of check_ng.sh: starts nginx when it does not run, and is down when it still does not answer. The script
 * then stopped keepalived; here the node gives the address up, goes on looking, and takes it back when nginx answers.
 */
import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  permissions: {
    processes: ["nginx"],
    services: { nginx: ["start"] },
    net: ["127.0.0.1:80"],
  },
  async check({ processes, services, fetch, down }) {
    if ((await processes.count("nginx")) === 0) await services.start("nginx");
    const response = await fetch("http://127.0.0.1/", { signal: AbortSignal.timeout(500) });
    return response.ok ? undefined : down(`nginx answered ${response.status}`);
  },
});
