/** What a configuration can ask of a virtual router beyond the RFC's letter: delays, announcements, lost addresses, leases. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, Subject, configure } from "../../test/virtual-router.ts";
import type { VirtualRouterConfig } from "./config.ts";

const ADDRESS = configure().addresses[0]?.address as never;

function master(changes: Partial<VirtualRouterConfig> = {}): Subject {
  const subject = new Subject(changes).start().next();
  assert.equal(subject.state, "master");
  return subject;
}

/** What happens at the deadlines of a time, and when: "what@milliseconds". */
function during(subject: Subject, ms: number, kinds: readonly string[]): string[] {
  const fromMs = subject.nowMs;
  const seen: string[] = [];
  while ((subject.waitMs ?? Number.POSITIVE_INFINITY) + subject.nowMs <= fromMs + ms) {
    subject.next();
    for (const what of subject.did)
      if (kinds.includes(what)) seen.push(`${what}@${subject.nowMs - fromMs}`);
  }
  return seen;
}

describe("the start", () => {
  test("startDelay: nothing is heard and nothing is sent until it is over", () => {
    const subject = new Subject({ startDelayMs: 5000 }).start();
    assert.equal(subject.state, "initialize");
    assert.deepEqual(subject.hear(0).did, []);
    assert.equal(subject.after(4999).state, "initialize");
    assert.equal(subject.after(1).state, "backup");
    assert.equal(subject.waitMs, 3609.375);
  });
  test("initialState backup: even the owner listens first", () => {
    const subject = new Subject({ priority: 255, initialState: "backup" }).start();
    assert.equal(subject.state, "backup");
    assert.equal(subject.next().state, "master");
  });
  test("missedAdvertisements: one, and five", () => {
    for (const [missedAdvertisements, expected] of [
      [1, 1609.375],
      [5, 5609.375],
    ] as const)
      assert.equal(new Subject({ missedAdvertisements }).start().waitMs, expected);
  });
});

describe("preemptDelay", () => {
  const delayed = { preemptDelayMs: 2500 };
  test("lets a worse master be from its first advertisement until the delay is over, then counts it no more", () => {
    const subject = new Subject({ ...delayed, priority: 200 }).start().hear(100);
    assert.equal(subject.waitMs, 3218.75);
    subject.after(1000).hear(100).after(1000).hear(100);
    assert.equal(subject.waitMs, 3218.75, "within the delay");
    subject.after(1000).hear(100);
    assert.equal(subject.waitMs, 2218.75, "after it");
  });
  test("its clock begins again when a better one was heard in between", () => {
    const subject = new Subject({ ...delayed, priority: 200 }).start().hear(100).after(1000);
    subject.hear(250).after(1000).hear(100).after(2000).hear(100);
    assert.equal(subject.waitMs, 3218.75);
  });
});

describe("announcements", () => {
  const { announcement } = configure();
  test("refreshEvery: again and again, with its own number of frames", () => {
    const subject = master({
      announcement: { ...announcement, repeatAfterMs: 0, refreshEveryMs: 2500, refreshCount: 2 },
    });
    assert.deepEqual(during(subject, 8000, ["announce"]), [
      "announce@2500",
      "announce@5000",
      "announce@7500",
    ]);
    const counts = subject.effects.flatMap((effect) =>
      effect.type === "announce" ? effect.count : [],
    );
    assert.ok(counts.every((count) => count === 2));
  });
  test("another master: once at its first advertisement, once when it is gone", () => {
    const subject = master({ announcement: { ...announcement, repeatAfterMs: 0 } })
      .after(100)
      .hear(50);
    assert.deepEqual(subject.did, ["contention began", "send 100", "announce"]);
    assert.deepEqual(subject.hear(50).did, [], "not again within a quarter of an interval");
    // Its own master-down interval with the lowest priority is over.
    assert.deepEqual(during(subject, 5000, ["contention ended", "announce"]), [
      "contention ended@3996.09375",
      "announce@3996.09375",
    ]);
  });
  test("another master that resigns is gone at once", () => {
    const subject = master({ announcement: { ...announcement, repeatAfterMs: 0 } })
      .after(100)
      .hear(50)
      .after(500)
      .hear(0);
    assert.deepEqual(
      subject.after(0).did.filter((what) => what !== "send 100"),
      ["contention ended", "announce"],
    );
  });
  test("no burst for it where none is configured", () => {
    const contention = { count: 0, repeatAfterMs: 0 };
    assert.deepEqual(master({ announcement: { ...announcement, contention } }).hear(50).did, [
      "contention began",
      "send 100",
    ]);
  });
  test("a flood of lower priorities puts neither the lease nor the second burst off", () => {
    const subject = master();
    const fromMs = subject.nowMs;
    const seen: string[] = [];
    while (subject.nowMs < fromMs + 6000) {
      subject.after(20);
      seen.push(...subject.did);
      subject.hear(1);
      seen.push(...subject.did);
    }
    assert.ok(seen.filter((what) => what === "renew-addresses").length >= 5);
    assert.ok(seen.filter((what) => what === "send 100").length <= 6 * 5);
    assert.ok(seen.filter((what) => what === "announce").length <= 6 * 4 + 2);
  });
});

describe("answers", () => {
  test("answerLowerPriority false: no advertisement for a lower priority, one for a resignation", () => {
    const subject = master({ answerLowerPriority: false }).after(100).hear(50);
    assert.deepEqual(subject.did, ["contention began", "announce"]);
    assert.deepEqual(subject.hear(0, LOWER).did, ["send 100"]);
  });
  test("advertiseBeforeYielding: one more advertisement, then it yields", () => {
    assert.deepEqual(master({ advertiseBeforeYielding: true }).hear(150).did, [
      "send 100",
      "remove-addresses",
      "master -> backup (higher priority heard)",
    ]);
  });
  test("one with our priority from our own address is told, and changes nothing else", () => {
    const subject = master().hear(100, "10.0.0.5" as typeof HIGHER);
    assert.equal(subject.state, "master");
    assert.ok(subject.did.includes("notice: same-priority-and-address"));
  });
});

describe("an address that somebody else removes", () => {
  const lost = { type: "address-lost", address: ADDRESS } as const;
  test("restore: it is put back and announced, and nothing else changes", () => {
    const subject = master({ onAddressLost: "restore" }).give(lost);
    assert.deepEqual(subject.did, ["notice: address-lost", "add-addresses", "announce"]);
    assert.equal(subject.state, "master");
  });
  test("fault: the other node takes over; after ten seconds this one takes part again", () => {
    const subject = master({ onAddressLost: "fault" }).give(lost);
    assert.deepEqual(subject.did, ["send 0", "remove-addresses", "master -> fault (address lost)"]);
    assert.deepEqual(subject.give({ type: "link", link: { type: "down" } }).did, []);
    assert.equal(subject.waitMs, 10_000);
    assert.equal(subject.next().state, "fault", "the interface is still down");
    assert.equal(subject.waitMs, undefined);
    subject.give({ type: "link", link: { type: "up", source: HIGHER } });
    assert.equal(subject.state, "backup");
  });
});

describe("the lease", () => {
  test("is renewed once a second, however often a master advertises", () => {
    const subject = master({ version: 3, advertIntervalMs: 10 });
    assert.deepEqual(during(subject, 3500, ["renew-addresses"]), [
      "renew-addresses@1000",
      "renew-addresses@2000",
      "renew-addresses@3000",
    ]);
  });
  test("in step with the advertisements, so that one awakening serves both", () => {
    const subject = master();
    for (let round = 0; round < 5; round++)
      assert.deepEqual(subject.next().did.slice(0, 2), ["send 100", "renew-addresses"]);
  });
  test("lasts longer than the time to the next renewal and the slowest backup's patience together", () => {
    for (const advertIntervalMs of [10, 100, 1000, 40_000]) {
      const effect = master({ version: 3, advertIntervalMs }).effects.find(
        ({ type }) => type === "add-addresses",
      );
      assert.ok(effect?.type === "add-addresses" && effect.leaseSeconds !== undefined);
      const renewalMs = Math.max(1000, advertIntervalMs);
      assert.ok(effect.leaseSeconds * 1000 >= renewalMs + 2 * advertIntervalMs);
    }
  });
});

describe("its own interface", () => {
  test("does not count where the configuration says so", () => {
    const subject = new Subject({ trackInterface: false }).start();
    assert.equal(subject.give({ type: "link", link: { type: "down" } }).state, "backup");
    assert.equal(subject.next().state, "master");
  });
  test("an interface without an address counts all the same: there is nothing to send from", () => {
    const subject = new Subject({ trackInterface: false }).start({ type: "up", source: undefined });
    assert.equal(subject.state, "fault");
  });
});

describe("waking up late at 10 ms", () => {
  const fast = { version: 3, advertIntervalMs: 10 } as const;
  test("a backup that is late by more than an interval listens again", () => {
    const subject = new Subject(fast).start();
    subject.after((subject.waitMs ?? 0) + 11);
    assert.equal(subject.state, "backup");
    assert.deepEqual(subject.did, ["notice: woke-up-late"]);
  });
  test("and one that is late by less does not", () => {
    const subject = new Subject(fast).start();
    assert.equal(subject.after((subject.waitMs ?? 0) + 9).state, "master");
  });
});
