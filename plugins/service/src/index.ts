/** Starts, stops or restarts services as this host becomes master, backup, and so on. */
import { defineNotifier } from "@karuntime/sdk";
import { plan } from "./plan.ts";

const ACTION = { type: "string", choices: ["start", "stop", "restart", "none"] } as const;

export default defineNotifier({
  permissions: { services: { "{services...}": ["start", "stop", "restart"] } },
  options: {
    services: { type: "list", description: "in the order in which they start" },
    master: { ...ACTION, default: "start", description: "what to do on becoming master" },
    backup: { ...ACTION, default: "stop" },
    fault: { ...ACTION, default: "none" },
    stop: { ...ACTION, default: "none", description: "when karuntime stops" },
  },
  async notify({ event }, { options, services }) {
    // Other events, also those of virtual servers, say nothing about what this host is.
    if (event !== "master" && event !== "backup" && event !== "fault" && event !== "stop") return;
    const failures: string[] = [];
    // One service that fails keeps no other from what is due to it.
    for (const { service, action } of plan(options.services, options[event]))
      await services[action](service).catch((error: Error) => failures.push(error.message));
    // Throwing has the same event come again.
    if (failures.length > 0) throw new Error(failures.join("; "));
  },
});
