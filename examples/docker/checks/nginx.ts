import { defineCheck } from "@karuntime/sdk";

export default defineCheck({
  permissions: { processes: ["nginx"] },
  async check({ processes, down }) {
    if ((await processes.count("nginx")) === 0) return down("nginx does not run");
  },
});
