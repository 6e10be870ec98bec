/** The event that a notifier is told of in a test: what the test gives, and the rest as it might be. */
import type {
  NotifierEvent,
  RealServerEvent,
  SyncGroupEvent,
  VirtualRouterEvent,
  VirtualServerEvent,
} from "../index.ts";

/** Parts of an event; `subject.type`, or else `event`, says what kind of event it is. */
export type PartialEvent =
  | PartsOf<VirtualRouterEvent>
  | PartsOf<SyncGroupEvent>
  | PartsOf<RealServerEvent>
  | PartsOf<VirtualServerEvent>;

type PartsOf<Event extends NotifierEvent> = Partial<Omit<Event, "subject">> & {
  readonly subject?: Partial<Event["subject"]>;
};

const KINDS: Readonly<Record<string, NotifierEvent["subject"]["type"]>> = {
  up: "real-server",
  down: "real-server",
  "quorum-up": "virtual-server",
  "quorum-down": "virtual-server",
};

/** Without anything: that the virtual router VI_1 became master. */
export function eventFrom({ subject, ...given }: PartialEvent): NotifierEvent {
  const { event } = given;
  const kind = subject?.type ?? KINDS[event ?? "master"] ?? "virtual-router";
  const told = { sequence: 1, at: new Date().toISOString(), routerName: "localhost" };
  const usual = usualOf(kind, event);
  return {
    ...told,
    ...usual,
    ...given,
    subject: { ...usual.subject, ...subject },
  } as NotifierEvent;
}

function usualOf(kind: NotifierEvent["subject"]["type"], event: NotifierEvent["event"] = "master") {
  switch (kind) {
    case "real-server": {
      const server = { address: "192.0.2.11", port: 80, virtualServer: "web" };
      const reason = event === "up" ? "" : "it did not answer";
      const subject = { type: kind, name: "192.0.2.11:80", ...server };
      return { subject, event: "down", weight: 1, reason };
    }
    case "virtual-server": {
      const weight = event === "quorum-up" ? 1 : 0;
      const subject = { type: kind, name: "web" };
      return { subject, event: "quorum-down", weight, quorum: 1, hysteresis: 0 };
    }
    case "sync-group":
      return { subject: { type: kind, name: "G" }, event, state: event };
    case "virtual-router": {
      const state = event === "contended" || event === "priority" ? "master" : event;
      return { subject: { type: kind, name: "VI_1" }, event, state, priority: 100 };
    }
  }
}
