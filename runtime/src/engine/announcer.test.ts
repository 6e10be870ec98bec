/** Bursts of announcements: when each frame leaves, and which leave no more. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Announcer } from "./announcer.ts";

const INDEXES: Readonly<Record<string, number>> = { eth0: 2, eth1: 3 };

/** An announcer on a packet socket that writes down what is sent: "interface index:first octet of the frame". */
class Subject {
  readonly sent: string[] = [];
  /** What was reported as sent, by the first octet of its frame. */
  readonly reported: number[] = [];
  readonly errors: string[] = [];
  /** Interfaces on which the kernel refuses to send, by index. */
  readonly broken = new Set<number>();
  readonly announcer = new Announcer(
    {
      send: (index, frame) => {
        if (this.broken.has(index)) throw new Error("Network is down");
        this.sent.push(`${index}:${frame[0]}`);
      },
      close: () => assert.fail("the socket is not the announcer's to close"),
    },
    (message) => this.errors.push(message),
  );

  announce(device: string, number: number, gapMs: number, nowMs = 0, owner: object = this): void {
    const frame = Uint8Array.of(number);
    const index = INDEXES[device] ?? 0;
    const onSent = () => this.reported.push(number);
    this.announcer.announce({ device, index, frame, owner, onSent }, gapMs, nowMs);
  }

  /** Ticks at each deadline up to a time. @returns what was sent, and when: "index:octet@milliseconds". */
  until(untilMs: number): string[] {
    const seen: string[] = [];
    for (;;) {
      const atMs = this.announcer.nextDeadlineMs();
      if (atMs === undefined || atMs > untilMs) return seen;
      const before = this.sent.length;
      this.announcer.tick(atMs);
      seen.push(...this.sent.slice(before).map((what) => `${what}@${atMs}`));
      assert.notEqual(
        this.announcer.nextDeadlineMs(),
        atMs,
        "a deadline that a tick leaves behind",
      );
    }
  }
}

describe("without a gap", () => {
  test("every frame leaves at once, in order, and is reported", () => {
    const subject = new Subject();
    for (const number of [1, 2, 3]) subject.announce("eth0", number, 0);
    assert.deepEqual(subject.sent, ["2:1", "2:2", "2:3"]);
    assert.deepEqual(subject.reported, [1, 2, 3]);
    assert.equal(subject.announcer.nextDeadlineMs(), undefined);
  });
  test("frames of other interfaces that wait do not hold it up", () => {
    const subject = new Subject();
    subject.announce("eth0", 1, 10);
    subject.announce("eth1", 2, 0);
    assert.deepEqual(subject.sent, ["3:2"]);
  });
});

describe("with a gap", () => {
  test("frames of one interface leave one by one, the gap between them", () => {
    const subject = new Subject();
    for (const number of [1, 2, 3]) subject.announce("eth0", number, 10, 500);
    assert.equal(subject.announcer.nextDeadlineMs(), 500, "the first has nothing to wait for");
    assert.deepEqual(subject.until(10_000), ["2:1@500", "2:2@510", "2:3@520"]);
    assert.deepEqual(subject.reported, [1, 2, 3]);
    assert.equal(subject.announcer.nextDeadlineMs(), undefined);
  });
  test("nothing leaves, and nothing is reported, before its time", () => {
    const subject = new Subject();
    for (const number of [1, 2]) subject.announce("eth0", number, 10);
    subject.announcer.tick(9.9);
    assert.deepEqual(subject.sent, ["2:1"]);
    assert.deepEqual(subject.reported, [1]);
    assert.equal(subject.announcer.nextDeadlineMs(), 10);
  });
  test("interfaces are independent of each other: each has its own turn", () => {
    const subject = new Subject();
    for (const number of [1, 2, 3]) subject.announce("eth0", number, 10);
    for (const number of [4, 5]) subject.announce("eth1", number, 25, 5);
    assert.deepEqual(subject.until(10_000), ["2:1@0", "3:4@5", "2:2@10", "2:3@20", "3:5@30"]);
  });
  test("a second burst takes its turn behind the first, whoever announces it", () => {
    const subject = new Subject();
    for (const number of [1, 2]) subject.announce("eth0", number, 10);
    subject.announce("eth0", 3, 10, 1, {});
    assert.deepEqual(subject.until(10_000), ["2:1@0", "2:2@10", "2:3@20"]);
  });
  test("the gap is kept from the last frame of an earlier burst, and forgotten once it is over", () => {
    const subject = new Subject();
    subject.announce("eth0", 1, 10);
    subject.until(0);
    subject.announce("eth0", 2, 10, 4);
    assert.deepEqual(subject.until(10_000), ["2:2@10"]);
    subject.announce("eth0", 3, 10, 50);
    assert.deepEqual(subject.until(10_000), ["2:3@50"]);
  });
  test("a tick that comes late sends all that is due, in the order of its time, and no more", () => {
    const subject = new Subject();
    for (const number of [1, 2, 3]) subject.announce("eth0", number, 10);
    subject.announce("eth1", 4, 10, 15);
    subject.announcer.tick(16);
    assert.deepEqual(subject.sent, ["2:1", "2:2", "3:4"]);
    assert.deepEqual(subject.until(10_000), ["2:3@20"]);
  });
});

test("who stops being master sends no more; the others send on", () => {
  const subject = new Subject();
  const [leaver, stayer] = [{}, {}];
  subject.announce("eth0", 1, 10, 0, leaver);
  subject.announce("eth0", 2, 10, 0, stayer);
  subject.announce("eth0", 3, 10, 0, leaver);
  subject.announce("eth1", 4, 10, 0, leaver);
  subject.announce("eth1", 5, 10, 0, stayer);
  subject.announcer.cancel(leaver);
  subject.until(10_000);
  assert.deepEqual(subject.sent.toSorted(), ["2:2", "3:5"]);
  assert.deepEqual(subject.reported.toSorted(), [2, 5]);
});

describe("a frame that the kernel refuses", () => {
  test("is told with its interface and the reason, counts as not sent, and does not stop those behind it", () => {
    const subject = new Subject();
    for (const number of [1, 2]) subject.announce("eth0", number, 10);
    subject.announce("eth1", 3, 10);
    subject.broken.add(2);
    subject.announcer.tick(0);
    assert.deepEqual(subject.errors, [
      "an announcement on eth0 could not be sent: Network is down",
    ]);
    assert.deepEqual(subject.sent, ["3:3"]);
    subject.broken.clear();
    assert.deepEqual(subject.until(10_000), ["2:2@10"], "and it is not tried again");
    assert.deepEqual(subject.reported, [3, 2]);
  });
  test("is told without a gap too, and throws nothing at who announces", () => {
    const subject = new Subject();
    subject.broken.add(2);
    subject.announce("eth0", 1, 0);
    assert.equal(subject.errors.length, 1);
    assert.deepEqual(subject.reported, []);
  });
});
