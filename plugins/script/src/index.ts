/** Runs a script that is there already: up when its exit status is 0. */
import { defineCheck } from "@karuntime/sdk";
import { reasonOf } from "./reason.ts";

export default defineCheck({
  permissions: { exec: [["{command...}"]] },
  options: {
    command: { type: "list", description: "the script's absolute path, then its arguments" },
  },
  async check({ options, exec, down }) {
    const result = await exec(options.command);
    if (result.status !== 0) return down(reasonOf(result));
  },
});
