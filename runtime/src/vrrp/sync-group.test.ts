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
import type { VirtualRouterEvent } from "./types.ts";
import { RouterSet } from "./router-set.ts";
import { isReady } from "./sync-group.ts";

class Group {
  readonly set: RouterSet;
  nowMs = 0;
  did: string[] = [];
  /** The last ones, each with its member and its reason. */
  transitions: string[] = [];

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
    this.transitions = [];
    this.note(this.set.tick(this.nowMs));
    return this;
  }

  hear(name: string, priority: number, source = HIGHER): this {
    const sent = advertisement(this.member(name).router.config, priority);
    return this.give(name, { type: "advertisement", advertisement: sent, source });
  }

  track(name: string, state: "up" | "down"): this {
    return this.give(name, { type: "tracker", name: "t", state });
  }

  give(name: string, event: VirtualRouterEvent): this {
    this.did = [];
    this.transitions = [];
    this.note(this.set.dispatch(this.member(name), event, this.nowMs));
    return this;
  }

  /** Lets time pass from deadline to deadline. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const next = this.set.nextDeadlineMs();
      if (next === undefined || next > untilMs) return this.after(untilMs - this.nowMs);
      this.after(next - this.nowMs);
    }
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
        else if (effect.type === "transition")
          this.transitions.push(`${member.router.config.name} ${effect.to} (${effect.reason})`);
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
    assert.deepEqual(group.did.toSorted(), ["V0 sends 200", "V1 sends 100"]);
    assert.deepEqual(group.transitions.toSorted(), [
      "V0 master (sync group)",
      "V1 master (sync group)",
    ]);
  });
  test("waits for no time while it waits for a member: a ready one has no deadline", () => {
    const group = new Group({ priority: 200 }, { priority: 100 }).start().after(3300);
    assert.equal(group.set.nextDeadlineMs(), 3609.375);
    assert.ok(isReady(group.member("V0").router));
  });
  test("is held back by a master that one of them hears, for as long as it advertises", () => {
    const group = new Group({ priority: 200 }, {}, { priority: 150 }).start();
    for (let second = 0; second < 20; second++) {
      group.hear("V1", 200).pass(1000);
      assert.deepEqual(group.states, ["backup", "backup", "backup"]);
    }
    assert.deepEqual(
      [...group.set.members.values()].map(({ router }) => isReady(router)),
      [true, false, true],
    );
    assert.deepEqual(group.pass(3610).states, ["master", "master", "master"]);
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
  test("names the first one that is in FAULT by itself, to those that are not and to those that are", () => {
    const weightless = { trackers: [tracker("t", 0)] };
    const group = new Group({}, weightless, weightless).start();
    const reasons = (name: string) => {
      const { protocol } = group.member(name).router;
      return protocol.type === "fault" ? protocol.reasons : [];
    };
    const unknown = { type: "tracker-unknown", tracker: "t" };
    assert.deepEqual(reasons("V0"), [{ type: "sync-group", member: "V1" }]);
    assert.deepEqual(reasons("V1"), [unknown, { type: "sync-group", member: "V2" }]);
    assert.deepEqual(reasons("V2"), [unknown, { type: "sync-group", member: "V1" }]);
    group.track("V1", "up");
    assert.deepEqual(group.states, ["fault", "fault", "fault"]);
    assert.deepEqual(reasons("V0"), [{ type: "sync-group", member: "V2" }]);
    assert.deepEqual(reasons("V1"), [{ type: "sync-group", member: "V2" }]);
    group.track("V2", "up");
    assert.deepEqual(group.states, ["backup", "backup", "backup"]);
  });
  test("comes back together from a FAULT that time ends", () => {
    const group = new Group({}, {}).start().pass(4000);
    const address = group.member("V1").router.config.addresses[0]?.address ?? HIGHER;
    group.give("V1", { type: "address-refused", address, reason: "errno 99" });
    assert.deepEqual(group.states, ["fault", "fault"]);
    assert.deepEqual(group.did.toSorted(), ["V0 sends 0", "V1 sends 0"]);
    assert.deepEqual(group.after(9999).states, ["fault", "fault"]);
    assert.deepEqual(group.after(1).states, ["backup", "backup"]);
    assert.deepEqual(group.transitions.toSorted(), [
      "V0 backup (fault cleared)",
      "V1 backup (fault cleared)",
    ]);
    assert.deepEqual(group.pass(3610).states, ["master", "master"]);
  });
  test("resigns with each member that was master, and with none that yields to a better one itself", () => {
    const group = new Group({}, {}, {}).start().pass(4000).hear("V1", 200, LOWER);
    assert.deepEqual(group.states, ["backup", "backup", "backup"]);
    assert.deepEqual(group.did.toSorted(), ["V0 sends 0", "V2 sends 0"]);
    assert.deepEqual(group.transitions.toSorted(), [
      "V0 backup (sync group)",
      "V1 backup (higher priority heard)",
      "V2 backup (sync group)",
    ]);
  });
  test("that was backup has nothing to resign when one of them is in FAULT", () => {
    const group = new Group({}, { trackers: [tracker("t", 0)] }).start().track("V1", "up");
    assert.deepEqual(group.track("V1", "down").states, ["fault", "fault"]);
    assert.deepEqual(group.did, []);
  });
  test("waits for a member that has not started yet", () => {
    const group = new Group({}, { startDelayMs: 10_000 }).start().pass(10_000);
    assert.deepEqual(group.states, ["backup", "backup"]);
    assert.ok(isReady(group.member("V0").router));
    assert.deepEqual(group.pass(3609).states, ["backup", "backup"]);
    assert.deepEqual(group.pass(1).states, ["master", "master"]);
  });
  test("gives up when one of them is stopped, and waits until it is started again", () => {
    const group = new Group({}, {}).start().pass(4000).give("V1", { type: "shutdown" });
    assert.deepEqual(group.states, ["backup", "initialize"]);
    assert.deepEqual(group.did.toSorted(), ["V0 sends 0", "V1 sends 0"]);
    assert.deepEqual(group.pass(60_000).states, ["backup", "initialize"]);
    group.give("V1", { type: "start" });
    assert.deepEqual(group.pass(3610).states, ["master", "master"]);
  });
  test("has nothing to do with virtual routers of another group, or of none", () => {
    const others = [{ syncGroup: "H" }, { syncGroup: undefined }];
    const group = new Group({}, {}, ...others).start().pass(4000).hear("V0", 200);
    assert.deepEqual(group.states, ["backup", "backup", "master", "master"]);
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
