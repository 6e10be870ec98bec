import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  permissions: { net: ["{url}"] },
  options: {
    url: { type: "string", description: "what is asked" },
    slowMs: {
      type: "number",
      default: 500,
      min: 1,
      description: "an answer that takes longer is none",
    },
  },
  async check({ fetch, options, down }) {
    const response = await fetch(options.url, { signal: AbortSignal.timeout(options.slowMs) });
    if (!response.ok) return down(`it answered ${response.status}`);
  },
});
