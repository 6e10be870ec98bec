/** An event as notifier plugins take it. */
import type { NotifierEvent } from "@karuntime/sdk";
import type { JsonValue } from "../sandbox/protocol.ts";
import type { Notification } from "./notification.ts";

const STATES = { MASTER: "master", BACKUP: "backup", FAULT: "fault", STOP: "stop" } as const;

/** @param routerName what this host is called. */
export function notifierEvent(notification: Notification, routerName: string): JsonValue {
  const told = {
    sequence: notification.sequence,
    at: notification.at.toISOString(),
    routerName,
  };
  switch (notification.event) {
    case "up":
    case "down": {
      const { subject, event, weight, reason } = notification;
      return { ...told, subject, event, weight, reason } satisfies NotifierEvent;
    }
    case "quorum-up":
    case "quorum-down": {
      const { subject, event, weight, quorum, hysteresis } = notification;
      return { ...told, subject, event, weight, quorum, hysteresis } satisfies NotifierEvent;
    }
    default: {
      const { subject, event, priority } = notification;
      const state = STATES[notification.state];
      const { name } = subject;
      if (subject.type === "virtual-router")
        return {
          ...told,
          subject: { type: subject.type, name },
          event,
          state,
          priority,
        } satisfies NotifierEvent;
      return {
        ...told,
        subject: { type: subject.type, name },
        event: state,
        state,
      } satisfies NotifierEvent;
    }
  }
}
