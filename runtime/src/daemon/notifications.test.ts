import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NotificationConfiguration, NotificationEvent } from "../config/model.ts";
import { createLog } from "../observe/log.ts";
import { lineFor } from "./fifo.ts";
import { mailFor } from "./mail.ts";
import type {
  QuorumNotification,
  RealServerNotification,
  VrrpNotification,
} from "./notification.ts";
import { wordsFor } from "./notification.ts";
import { notifierEvent } from "./notifier-event.ts";
import { createNotifications } from "./notifications.ts";

const log = await createLog("json", "error");
const target = { type: "mail" } as const;
const ALL: readonly NotificationEvent[] = [
  "master",
  "backup",
  "fault",
  "stop",
  "contended",
  "priority",
];

/** What each configuration's receiver got, as "name EVENT". */
async function told(
  configurations: readonly NotificationConfiguration[],
  play: (
    tell: (router: string, from: string, to: string, priority?: number) => void,
    receive: ReturnType<typeof createNotifications>["receive"],
    tellDirector: ReturnType<typeof createNotifications>["tell"],
  ) => void,
  delayMs = 0,
): Promise<string[][]> {
  const got: string[][] = configurations.map(() => []);
  const notifications = createNotifications({
    configurations,
    groups: new Map([["G", ["A", "B"]]]),
    virtualRouters: ["A", "B"],
    deliver: async (_configuration, index, notification) => {
      const { subject, event } = notification;
      await new Promise((resolve) => setTimeout(resolve, delayMs * Math.random()));
      const state = "state" in notification ? ` ${notification.state}` : "";
      got[index]?.push(`${subject.name} ${event}${state}`);
    },
    log,
  });
  play(
    (virtualRouter, from, to, priority = 100) =>
      notifications.receive({
        type: "transition",
        virtualRouter,
        from,
        to,
        reason: "start",
        priority,
        faults: [],
      } as never),
    notifications.receive,
    notifications.tell,
  );
  await notifications.stop();
  return got;
}

test("each receiver is told of what concerns it, and of the stop", async () => {
  const [one, group, all] = await told(
    [
      { subject: { type: "virtual-router", name: "A" }, events: ["master", "stop"], target },
      { subject: { type: "sync-group", name: "G" }, events: ALL, target },
      { subject: { type: "all" }, events: ["fault"], target },
    ],
    (tell) => {
      tell("A", "initialize", "backup");
      tell("B", "initialize", "backup");
      tell("A", "backup", "master");
      tell("B", "backup", "master");
      tell("B", "master", "fault");
    },
  );
  assert.deepEqual(one, ["A master MASTER", "A stop STOP"]);
  assert.deepEqual(group, ["G backup BACKUP", "G master MASTER", "G fault FAULT", "G stop STOP"]);
  assert.deepEqual(all, ["B fault FAULT", "G fault FAULT"]);
});

test("events come in their order, however long each delivery takes", async () => {
  const [got] = await told(
    [{ subject: { type: "virtual-router", name: "A" }, events: ["master", "backup"], target }],
    (tell) => {
      for (let round = 0; round < 20; round++) {
        tell("A", "backup", "master");
        tell("A", "master", "backup");
      }
    },
    5,
  );
  assert.deepEqual(
    got,
    Array.from({ length: 20 }, () => ["A master MASTER", "A backup BACKUP"]).flat(),
  );
});

test("contention and priorities are told with the state", async () => {
  const [got] = await told(
    [{ subject: { type: "virtual-router", name: "A" }, events: ["contended", "priority"], target }],
    (tell, receive) => {
      tell("A", "backup", "master");
      receive({
        type: "contention",
        virtualRouter: "A",
        phase: "began",
        rival: "192.0.2.1",
        rivalPriority: 1,
      });
      receive({
        type: "contention",
        virtualRouter: "A",
        phase: "ended",
        rival: "192.0.2.1",
        rivalPriority: 1,
      });
      receive({ type: "priority", virtualRouter: "A", from: 100, to: 90 });
    },
  );
  assert.deepEqual(got, ["A contended MASTER", "A priority MASTER"]);
});

/** "VIRTUAL SERVER/ADDRESS" is up or down. */
function realServer(of: string, address: string, event: "up" | "down"): RealServerNotification {
  return {
    sequence: 1,
    at: new Date(0),
    subject: {
      type: "real-server",
      name: `${address}:80`,
      address,
      port: 80,
      virtualServer: of,
    },
    event,
    weight: 2,
    reason: event === "up" ? "" : "no answer",
    serverName: `[${address}]:tcp:80`,
    serviceName: "[192.0.2.100]:tcp:80",
  };
}
const quorum: QuorumNotification = {
  sequence: 1,
  at: new Date(0),
  subject: { type: "virtual-server", name: "web" },
  event: "quorum-down",
  weight: 0,
  quorum: 1,
  hysteresis: 0,
  serviceName: "[192.0.2.100]:tcp:80",
};

test("of virtual servers and real servers each is told what concerns it, and what it asks for", async () => {
  const events = ["up", "down", "quorum-up", "quorum-down"] as const;
  const [one, web, all, states] = await told(
    [
      {
        subject: { type: "real-server", name: "192.0.2.11:80", virtualServer: "web" },
        events,
        target,
      },
      { subject: { type: "virtual-server", name: "web" }, events, target },
      { subject: { type: "all" }, events: ["down", "master"], target },
      { subject: { type: "all" }, events: ["master", "backup", "fault", "stop"], target },
    ],
    (tell, _receive, tellDirector) => {
      tellDirector(realServer("web", "192.0.2.11", "down"));
      tellDirector(realServer("web", "192.0.2.12", "down"));
      tell("A", "backup", "master");
      tellDirector(quorum);
      tellDirector(realServer("other", "192.0.2.11", "down"));
      tellDirector(realServer("web", "192.0.2.11", "up"));
    },
  );
  assert.deepEqual(one, ["192.0.2.11:80 down", "192.0.2.11:80 up"]);
  assert.deepEqual(web, [
    "192.0.2.11:80 down",
    "192.0.2.12:80 down",
    "web quorum-down",
    "192.0.2.11:80 up",
  ]);
  assert.deepEqual(all, [
    "192.0.2.11:80 down",
    "192.0.2.12:80 down",
    "A master MASTER",
    "192.0.2.11:80 down",
  ]);
  assert.deepEqual(states, ["A master MASTER", "A stop STOP"]);
});

describe("how an event is written", () => {
  const notification: VrrpNotification = {
    sequence: 1,
    subject: { type: "virtual-router", name: "VI_1" },
    event: "master",
    state: "MASTER",
    priority: 100,
    at: new Date(0),
  };
  test("behind a command", () =>
    assert.deepEqual(wordsFor(notification), ["INSTANCE", "VI_1", "MASTER", "100"]));
  test("in a pipe", () => {
    assert.equal(lineFor(notification), 'INSTANCE "VI_1" MASTER 100\n');
    assert.equal(
      lineFor({ ...notification, event: "contended" }),
      'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100\n',
    );
    assert.equal(
      lineFor({ ...notification, event: "priority", state: "BACKUP" }),
      'INSTANCE "VI_1" BACKUP_PRIORITY 100\n',
    );
    const group = {
      ...notification,
      subject: { type: "sync-group", name: "G" } as const,
      priority: 0,
    };
    assert.equal(lineFor(group), 'GROUP "G" MASTER 0\n');
  });
  test("as a mail", () =>
    assert.equal(
      mailFor(notification, "R1").subject,
      "[R1] VRRP Instance VI_1 - Entering MASTER state",
    ));
  test("of a real server and of a quorum as keepalived does", () => {
    const down = realServer("web", "192.0.2.11", "down");
    assert.equal(lineFor(down), "RS [192.0.2.11]:tcp:80 [192.0.2.100]:tcp:80 DOWN\n");
    assert.equal(lineFor(quorum), "VS [192.0.2.100]:tcp:80 DOWN\n");
    assert.equal(
      mailFor(down, "R1").subject,
      "[R1] Realserver [192.0.2.11]:tcp:80 of virtual server [192.0.2.100]:tcp:80 - DOWN",
    );
    assert.match(mailFor(down, "R1").text, /Reason: no answer\n/);
    assert.equal(mailFor(quorum, "R1").subject, "[R1] Virtualserver [192.0.2.100]:tcp:80 - DOWN");
  });
  test("for a plugin: what this kind of event has, and no more", () => {
    const common = { sequence: 1, at: "1970-01-01T00:00:00.000Z", routerName: "R1" };
    assert.deepEqual(notifierEvent(notification, "R1"), {
      ...common,
      subject: { type: "virtual-router", name: "VI_1" },
      event: "master",
      state: "master",
      priority: 100,
    });
    const group = { ...notification, subject: { type: "sync-group", name: "G" } as const };
    assert.deepEqual(notifierEvent(group, "R1"), {
      ...common,
      subject: { type: "sync-group", name: "G" },
      event: "master",
      state: "master",
    });
    const down = realServer("web", "192.0.2.11", "down");
    assert.deepEqual(notifierEvent(down, "R1"), {
      ...common,
      subject: down.subject,
      event: "down",
      weight: 2,
      reason: "no answer",
    });
    assert.deepEqual(notifierEvent(quorum, "R1"), {
      ...common,
      subject: quorum.subject,
      event: "quorum-down",
      weight: 0,
      quorum: 1,
      hysteresis: 0,
    });
  });
});
