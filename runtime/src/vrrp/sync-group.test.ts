/** Virtual routers that move together. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  HIGHER,
  LOWER,
  UP,
  advertisement,
  configure,
  digests,
  tracker,
} from "../../test/virtual-router.ts";
import type { VirtualRouterConfig } from "./config.ts";
import type { Member, Outcome } from "./router-set.ts";
import { RouterSet } from "./router-set.ts";
import { isReady } from "./sync-group.ts";

class Group {
  readonly set: RouterSet;
  nowMs = 0;
  did: string[] = [];

  constructor(...changes: readonly Partial<VirtualRouterConfig>[]) {
    const configs = changes.map((change, index) =>
      configure({ name: `V${index}`, id: index + 1, syncGroup: "G", ...change }),
    );
    this.set = new RouterSet(configs, digests);
  }

  start(): this {
    for (const member of this.set.members.values()) {
      this.note(this.set.dispatch(member, { type: "link", link: UP }, this.nowMs));
      this.note(this.set.dispatch(member, { type: "start" }, this.nowMs));
    }
    return this;
  }

  after(ms: number): this {
    this.nowMs += ms;
    this.did = [];
    this.note(this.set.tick(this.nowMs));
    return this;
  }

  hear(name: string, priority: number, source = HIGHER): this {
    this.did = [];
    const member = this.member(name);
    const sent = advertisement(member.router.config, priority);
    const event = { type: "advertisement", advertisement: sent, source } as const;
    this.note(this.set.dispatch(member, event, this.nowMs));
    return this;
  }

  track(name: string, state: "up" | "down"): this {
    this.did = [];
    this.note(
      this.set.dispatch(this.member(name), { type: "tracker", name: "t", state }, this.nowMs),
    );
    return this;
  }

  member(name: string): Member {
    const member = this.set.members.get(name);
    assert.ok(member !== undefined);
    return member;
  }

  get states(): string[] {
    return [...this.set.members.values()].map(({ router }) => router.protocol.type);
  }

  note(outcomes: readonly Outcome[]): void {
    for (const { member, effects } of outcomes)
      for (const effect of effects)
        if (effect.type === "send-advertisement")
          this.did.push(`${member.router.config.name} sends ${effect.advertisement.priority}`);
  }
}

describe("a sync group", () => {
  test("becomes master when the last of its members could", () => {
    const group = new Group({ priority: 200 }, { priority: 100 }).start();
    group.after(3300);
    assert.deepEqual(group.states, ["backup", "backup"]);
    assert.ok(isReady(group.member("V0").router));
    assert.ok(!isReady(group.member("V1").router));
    group.after(400);
    assert.deepEqual(group.states, ["master", "master"]);
  });
  test("waits while one of them hears a master", () => {
    const group = new Group({}, {}).start().after(3000).hear("V1", 200).after(700);
    assert.deepEqual(group.states, ["backup", "backup"]);
    assert.ok(isReady(group.member("V0").router));
    group.hear("V0", 200);
    assert.ok(!isReady(group.member("V0").router), "its own master is back");
  });
  test("leaves together: the others resign, so that their peers need not wait", () => {
    const group = new Group({}, {}).start().after(3610).hear("V0", 200, LOWER);
    assert.deepEqual(group.states, ["backup", "backup"]);
    assert.deepEqual(group.did, ["V1 sends 0"]);
  });
  test("one in FAULT is all in FAULT, with its name; all come back when it does", () => {
    const weightless = { trackers: [tracker("t", 0)] };
    const group = new Group({}, weightless).start();
    assert.deepEqual(group.states, ["fault", "fault"], "no result yet");
    group.track("V1", "up");
    assert.deepEqual(group.states, ["backup", "backup"]);
    group.after(3610);
    assert.deepEqual(group.states, ["master", "master"]);
    group.track("V1", "down");
    assert.deepEqual(group.states, ["fault", "fault"]);
    assert.deepEqual(group.did.toSorted(), ["V0 sends 0", "V1 sends 0"]);
    const { protocol } = group.member("V0").router;
    assert.deepEqual(protocol.type === "fault" && protocol.reasons, [
      { type: "sync-group", member: "V1" },
    ]);
  });
  test("owners start as masters together", () => {
    assert.deepEqual(new Group({ priority: 255 }, { priority: 255 }).start().states, [
      "master",
      "master",
    ]);
    assert.deepEqual(new Group({ priority: 255 }, { priority: 100 }).start().states, [
      "backup",
      "backup",
    ]);
  });
  test("of one member is a virtual router like any other", () =>
    assert.deepEqual(new Group({}).start().after(3610).states, ["master"]));
});
