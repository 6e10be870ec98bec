/** What a receiver is told: one event of a virtual router, a sync group, a real server or a virtual server. */
import type { VrrpEvent } from "../config/model.ts";

interface Told {
  /** Counts the events of this daemon from 1. */
  readonly sequence: number;
  readonly at: Date;
}

export interface VrrpNotification extends Told {
  readonly subject: { readonly type: "virtual-router" | "sync-group"; readonly name: string };
  readonly event: VrrpEvent;
  /** The state now. */
  readonly state: "MASTER" | "BACKUP" | "FAULT" | "STOP";
  /** The effective priority; 0 for a sync group, as keepalived has it. */
  readonly priority: number;
}

export interface RealServerNotification extends Told {
  readonly subject: {
    readonly type: "real-server";
    /** Its address and port, as "192.0.2.10:80". */
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly virtualServer: string;
  };
  readonly event: "up" | "down";
  readonly weight: number;
  /** What its checker said; "" when it is up. */
  readonly reason: string;
  /** As keepalived writes them: "[192.0.2.10]:tcp:80". */
  readonly serverName: string;
  readonly serviceName: string;
}

export interface QuorumNotification extends Told {
  readonly subject: { readonly type: "virtual-server"; readonly name: string };
  readonly event: "quorum-up" | "quorum-down";
  /** The sum over the real servers that are up. */
  readonly weight: number;
  readonly quorum: number;
  readonly hysteresis: number;
  /** As keepalived writes it: "[192.0.2.10]:tcp:80". */
  readonly serviceName: string;
}

export type Notification = VrrpNotification | RealServerNotification | QuorumNotification;

/** Before it has its number. */
export type Untold<One extends Notification = Notification> = One extends Notification
  ? Omit<One, keyof Told>
  : never;

/** What keepalived's `notify` appends, and, of real servers and virtual servers, what its lvs_notify_fifo says. */
export function wordsFor(notification: Notification): readonly string[] {
  switch (notification.event) {
    case "up":
    case "down":
      return [
        "RS",
        notification.serverName,
        notification.serviceName,
        notification.event.toUpperCase(),
      ];
    case "quorum-up":
    case "quorum-down":
      return ["VS", notification.serviceName, notification.event === "quorum-up" ? "UP" : "DOWN"];
    default: {
      const { subject, state, priority } = notification;
      const kind = subject.type === "virtual-router" ? "INSTANCE" : "GROUP";
      return [kind, subject.name, state, String(priority)];
    }
  }
}
