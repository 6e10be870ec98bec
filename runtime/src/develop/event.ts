/** What `karuntime invoke` tells a notifier: an event as the daemon's, of a virtual router or a virtual server that does not exist. */
import { hostname } from "node:os";
import type { NotifierEvent } from "@karuntime/sdk";
import type { NotificationEvent } from "../config/model.ts";
import type { JsonValue } from "../sandbox/protocol.ts";

export function exampleEvent(event: NotificationEvent): JsonValue {
  const told = { sequence: 1, at: new Date().toISOString(), routerName: hostname() };
  switch (event) {
    case "up":
    case "down": {
      const server = { address: "192.0.2.11", port: 80, virtualServer: "web" };
      const reason = event === "up" ? "" : "it did not answer";
      const subject = { type: "real-server", name: "192.0.2.11:80", ...server } as const;
      return { ...told, subject, event, weight: 1, reason } satisfies NotifierEvent;
    }
    case "quorum-up":
    case "quorum-down": {
      const subject = { type: "virtual-server", name: "web" } as const;
      const weight = event === "quorum-up" ? 1 : 0;
      return { ...told, subject, event, weight, quorum: 1, hysteresis: 0 } satisfies NotifierEvent;
    }
    default: {
      const subject = { type: "virtual-router", name: "VI_1" } as const;
      const state = event === "contended" || event === "priority" ? "master" : event;
      return { ...told, subject, event, state, priority: 100 } satisfies NotifierEvent;
    }
  }
}
