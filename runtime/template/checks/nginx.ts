import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  permissions: { processes: ["nginx"], net: ["{url}"] },
  options: {
    url: { type: "string", default: "http://127.0.0.1/", description: "what is asked" },
  },
  async check({ processes, fetch, options, down }) {
    if ((await processes.count("nginx")) === 0) return down("nginx does not run");
    const response = await fetch(options.url, { signal: AbortSignal.timeout(1000) });
    if (!response.ok) return down(`nginx answered ${response.status}`);
  },
});
