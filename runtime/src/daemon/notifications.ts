/**
 * From what the engine reports to who is told: one event after the other for each receiver, numbered, in order. At the
 * end everybody is told of the stop, and waited for.
 */
import type { NotificationConfiguration, NotificationSubject, VrrpEvent } from "../config/model.ts";
import type { EngineToDaemon } from "../engine/protocol.ts";
import type { Logger } from "../observe/log.ts";
import type { StateName } from "../vrrp/types.ts";
import type { Notification, Untold, VrrpNotification } from "./notification.ts";

/** A receiver that falls behind this far loses what is oldest. */
const QUEUE_MAX = 1000;
/** After this time the next event is delivered although the delivery before still goes on. */
const DELIVERY_MS_MAX = 30_000;
/** How long the end waits for deliveries. */
const STOP_MS_MAX = 5000;

export type Deliver = (
  configuration: NotificationConfiguration,
  index: number,
  notification: Notification,
) => Promise<void>;

export interface Notifications {
  receive(message: EngineToDaemon): void;
  /** Takes what the director has to tell. */
  tell(event: Untold): void;
  /** Tells everybody of the stop and waits, within bounds. */
  stop(): Promise<void>;
}

export interface NotificationsOptions {
  readonly configurations: readonly NotificationConfiguration[];
  /** The members of each sync group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly virtualRouters: readonly string[];
  readonly deliver: Deliver;
  readonly log: Logger;
}

type State = VrrpNotification["state"];

interface Member {
  state: StateName;
  priority: number;
}

const STATES: Readonly<Record<StateName, VrrpNotification["state"] | undefined>> = {
  initialize: undefined,
  backup: "BACKUP",
  master: "MASTER",
  fault: "FAULT",
};

export function createNotifications(options: NotificationsOptions): Notifications {
  const { configurations, groups, virtualRouters, deliver, log } = options;
  const members = new Map<string, Member>(
    virtualRouters.map((name) => [name, { state: "initialize", priority: 0 }]),
  );
  const groupStates = new Map<string, VrrpNotification["state"]>();
  const queues = configurations.map((configuration, index) =>
    createQueue((notification) => deliver(configuration, index, notification), configuration, log),
  );
  let sequence = 0;

  function tell(event: Untold): void {
    const notification = { ...event, sequence: ++sequence, at: new Date() };
    for (const [index, { events, subject }] of configurations.entries())
      if (events.includes(event.event) && concerns(subject, event.subject))
        queues[index]?.add(notification);
  }

  function tellRouter(name: string, event: VrrpEvent, state: State, priority: number): void {
    tell({ subject: { type: "virtual-router", name }, event, state, priority });
  }

  function tellGroup(name: string, state: State): void {
    tell({ subject: { type: "sync-group", name }, event: eventOf(state), state, priority: 0 });
  }

  function tellGroups(changed: string): void {
    for (const [name, names] of groups) {
      if (!names.includes(changed)) continue;
      const state = groupState(names.map((member) => members.get(member)?.state ?? "initialize"));
      if (state === undefined || groupStates.get(name) === state) continue;
      groupStates.set(name, state);
      tellGroup(name, state);
    }
  }

  return {
    tell,
    receive(message) {
      switch (message.type) {
        case "transition": {
          const { virtualRouter: name, to, priority } = message;
          const state = STATES[to];
          // The end: what it was until now is what the stop is told with.
          if (state === undefined) return;
          members.set(name, { state: to, priority });
          tellRouter(name, eventOf(state), state, priority);
          return tellGroups(name);
        }
        case "priority": {
          const member = members.get(message.virtualRouter);
          if (member === undefined) return;
          member.priority = message.to;
          const state = STATES[member.state];
          if (state !== undefined) tellRouter(message.virtualRouter, "priority", state, message.to);
          return;
        }
        case "contention": {
          const { virtualRouter: name, phase } = message;
          if (phase === "began")
            tellRouter(name, "contended", "MASTER", members.get(name)?.priority ?? 0);
          return;
        }
        default:
      }
    },
    async stop() {
      for (const [name, { state, priority }] of members)
        if (state !== "initialize") tellRouter(name, "stop", "STOP", priority);
      for (const name of groupStates.keys()) tellGroup(name, "STOP");
      let timer: NodeJS.Timeout | undefined;
      const bound = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_MS_MAX);
      });
      await Promise.race([Promise.all(queues.map((queue) => queue.idle())), bound]);
      clearTimeout(timer);
    },
  };
}

function eventOf(state: State): "master" | "backup" | "fault" | "stop" {
  return ({ MASTER: "master", BACKUP: "backup", FAULT: "fault", STOP: "stop" } as const)[state];
}

function concerns(wanted: NotificationSubject, subject: Notification["subject"]): boolean {
  if (wanted.type === "all") return true;
  if (subject.type !== "real-server")
    return wanted.type === subject.type && wanted.name === subject.name;
  const { name, virtualServer } = subject;
  return wanted.type === "virtual-server"
    ? wanted.name === virtualServer
    : wanted.type === "real-server" &&
        wanted.name === name &&
        wanted.virtualServer === virtualServer;
}

/** Master when all members are; fault when one is. */
function groupState(states: readonly StateName[]): State | undefined {
  if (states.includes("initialize")) return undefined;
  if (states.includes("fault")) return "FAULT";
  return states.every((state) => state === "master") ? "MASTER" : "BACKUP";
}

interface Queue {
  add(notification: Notification): void;
  /** Resolves when everything added so far is delivered. */
  idle(): Promise<void>;
}

function createQueue(
  deliver: (notification: Notification) => Promise<void>,
  { target, subject }: NotificationConfiguration,
  log: Logger,
): Queue {
  const waiting: Notification[] = [];
  const fields = { target: target.type, subject: "name" in subject ? subject.name : "all" };
  const idlers: (() => void)[] = [];
  let busy = false;

  async function work(): Promise<void> {
    busy = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const notification = next;
      let timer: NodeJS.Timeout | undefined;
      const bound = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          log.warn(
            { ...fields, sequence: notification.sequence, event: notification.event },
            `a delivery takes longer than ${DELIVERY_MS_MAX / 1000} s; the next event goes out beside it`,
          );
          resolve();
        }, DELIVERY_MS_MAX);
      });
      const delivery = deliver(notification).catch((error: unknown) =>
        log.error(
          {
            ...fields,
            sequence: notification.sequence,
            event: notification.event,
            error: error instanceof Error ? error.message : String(error),
          },
          "a notification was not delivered",
        ),
      );
      await Promise.race([delivery, bound]);
      clearTimeout(timer);
    }
    busy = false;
    for (const resolve of idlers.splice(0)) resolve();
  }

  return {
    add(notification) {
      waiting.push(notification);
      if (waiting.length > QUEUE_MAX) {
        const lost = waiting.shift();
        log.warn(
          { ...fields, sequence: lost?.sequence, event: lost?.event },
          `more than ${QUEUE_MAX} events wait; the oldest is dropped`,
        );
      }
      if (!busy) void work();
    },
    idle: () =>
      busy || waiting.length > 0
        ? new Promise((resolve) => void idlers.push(resolve))
        : Promise.resolve(),
  };
}
