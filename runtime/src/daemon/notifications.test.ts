import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NotificationConfiguration, NotificationEvent } from "../config/model.ts";
import { createLog } from "../observe/log.ts";
import { wordsFor } from "./deliveries.ts";
import { lineFor } from "./fifo.ts";
import { mailFor } from "./mail.ts";
import type { Notification } from "./notifications.ts";
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
  ) => void,
  delayMs = 0,
): Promise<string[][]> {
  const got: string[][] = configurations.map(() => []);
  const notifications = createNotifications({
    configurations,
    groups: new Map([["G", ["A", "B"]]]),
    virtualRouters: ["A", "B"],
    deliver: async (_configuration, index, { subject, state, event }) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs * Math.random()));
      got[index]?.push(`${subject.name} ${event} ${state}`);
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

describe("how an event is written", () => {
  const notification: Notification = {
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
});
