/** What a configuration can ask of a virtual router beyond the RFC's letter: delays, announcements, lost addresses, leases. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, Subject, configure, tracker } from "../../test/virtual-router.ts";
import type { VirtualRouterConfig } from "./config.ts";

const ADDRESS = configure().addresses[0]?.address as never;

function master(changes: Partial<VirtualRouterConfig> = {}): Subject {
  const subject = new Subject(changes).start().next();
  assert.equal(subject.state, "master");
  return subject;
}

/** A flood of the lowest priority, a packet every so often, with a tick at each deadline: when it did something. */
function flooded(subject: Subject, ms: number, everyMs: number, what: string): number[] {
  const fromMs = subject.nowMs;
  const seen: number[] = [];
  const look = (): void => {
    for (const did of subject.did) if (did === what) seen.push(subject.nowMs - fromMs);
  };
  for (let packetMs = fromMs + everyMs; packetMs <= fromMs + ms; packetMs += everyMs) {
    while ((subject.waitMs ?? Number.POSITIVE_INFINITY) + subject.nowMs <= packetMs) {
      subject.next();
      look();
    }
    subject.nowMs = packetMs;
    subject.hear(1);
    look();
  }
  return seen;
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
  test("startDelay: what was heard meanwhile has left nothing behind", () => {
    const subject = new Subject({ version: 3, startDelayMs: 5000 }).start();
    subject.hear(200, HIGHER, 10_000).after(5000);
    assert.deepEqual(subject.did, ["initialize -> backup (start)"]);
    assert.equal(subject.waitMs, 3609.375);
    assert.deepEqual(subject.hear(0, LOWER).did, [], "no master is known that it is a stranger to");
  });
  test("startDelay: an owner is master when it is over, and not before", () => {
    const subject = new Subject({ priority: 255, startDelayMs: 5000 }).start();
    assert.equal(subject.waitMs, 5000);
    assert.equal(subject.next().did.at(-1), "initialize -> master (address owner)");
  });
  test("initialState backup: even the owner listens first", () => {
    const subject = new Subject({ priority: 255, initialState: "backup" }).start();
    assert.equal(subject.state, "backup");
    assert.equal(subject.waitMs, 3003.90625);
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

describe("preempt false", () => {
  test("a worse master stays for as long as it advertises, and is replaced when it does not", () => {
    const subject = new Subject({ priority: 200, preempt: false }).start();
    for (let second = 0; second < 60; second++)
      assert.equal(subject.hear(1).after(1000).state, "backup");
    assert.equal(subject.waitMs, 3218.75 - 1000);
    assert.equal(subject.next().state, "master");
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
  test("an equal priority begins its clock anew, as a higher one does", () => {
    const subject = new Subject({ preemptDelayMs: 2500, priority: 200 }).start().hear(100);
    subject.after(1000).hear(200, LOWER).after(1000).hear(100).after(2000).hear(100);
    assert.equal(subject.waitMs, 3218.75);
  });
  test("a master that advertises on is replaced, but not within the delay", () => {
    const subject = new Subject({ preemptDelayMs: 20_000, priority: 200 }).start();
    while (subject.state === "backup" && subject.nowMs < 60_000) {
      subject.hear(100);
      if ((subject.waitMs ?? 0) < 1000) subject.next();
      else subject.after(1000);
    }
    assert.equal(subject.state, "master");
    assert.ok(subject.nowMs >= 20_000 && subject.nowMs <= 20_000 + 3218.75, `${subject.nowMs}`);
  });
});

describe("the interval of version 3, learnt from the master", () => {
  const subject = () => new Subject({ version: 3 }).start().hear(200);
  const down = (intervalMs: number) => intervalMs * (3 + 156 / 256);
  test("is told once while it is doubted, and not when it is believed", () => {
    const notices = [100, 100, 100].map((claimMs) => subject().hear(200, HIGHER, claimMs).did);
    assert.deepEqual(
      notices,
      Array.from({ length: 3 }, () => ["notice: interval-claimed"]),
    );
    const once = subject().hear(200, HIGHER, 100);
    for (let more = 0; more < 3; more++)
      assert.deepEqual(once.hear(200, HIGHER, 100).did, [], "believed");
    assert.equal(once.waitMs, down(100));
  });
  test("is not believed where no claim is made twice in succession", () => {
    for (const claims of [
      [900, 800, 700, 600],
      [100, 1000, 100, 1000, 100],
    ]) {
      const doubting = subject();
      for (const claimMs of claims)
        assert.equal(doubting.hear(200, HIGHER, claimMs).waitMs, down(1000), `${claimMs}`);
    }
  });
  test("is believed of the one that claims it, not of two that claim it once each", () => {
    const doubting = subject().hear(200, HIGHER, 100).hear(200, LOWER, 100);
    assert.equal(doubting.waitMs, down(1000));
    assert.equal(doubting.hear(200, LOWER, 100).waitMs, down(100));
  });
  test("grows again at once, without a notice", () => {
    const learnt = subject().hear(200, HIGHER, 100).hear(200, HIGHER, 100);
    assert.deepEqual(learnt.hear(200, HIGHER, 3000).did, []);
    assert.equal(learnt.waitMs, down(3000));
  });
  test("is forgotten with the master: whoever takes its place uses its own", () => {
    const promoted = subject().hear(200, HIGHER, 3000).next();
    assert.equal(promoted.waitMs, 1000);
    assert.equal(promoted.give({ type: "address-lost", address: ADDRESS }).waitMs, down(1000));
  });
});

describe("a resignation", () => {
  test("of a master that advertises on is told, and waited for no more", () => {
    const subject = new Subject().start().hear(200).hear(0).after(300).hear(200);
    assert.deepEqual(subject.did, ["notice: resignation-revoked"]);
    assert.equal(subject.waitMs, 3609.375);
    assert.deepEqual(subject.hear(200).did, [], "once");
  });
  test("is not revoked by another one that takes over", () =>
    assert.deepEqual(new Subject().start().hear(200).hear(0).hear(200, LOWER).did, []));
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
  });
  test("a burst has count frames, a refresh refreshCount, and one for another master its own", () => {
    const counts = { count: 7, repeatAfterMs: 1500, refreshEveryMs: 2500, refreshCount: 2 };
    const contention = { count: 3, repeatAfterMs: 0 };
    const subject = master({ announcement: { ...announcement, ...counts, contention } });
    const frames = () =>
      subject.effects.flatMap((effect) => (effect.type === "announce" ? effect.count : []));
    assert.deepEqual(frames(), [7]);
    assert.deepEqual(subject.next().next().did, ["announce"]);
    assert.deepEqual(frames(), [7], "the second burst, after 1500 ms");
    assert.deepEqual(subject.next().next().did, ["announce"]);
    assert.deepEqual(frames(), [2], "the refresh, after 2500 ms");
    subject.hear(50);
    assert.deepEqual(frames(), [3]);
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
  test("another burst for it after repeatAfter, which further advertisements do not put off", () => {
    const contention = { count: 5, repeatAfterMs: 2000 };
    const changes = { announcement: { ...announcement, repeatAfterMs: 0, contention } };
    const subject = master(changes).after(100).hear(50).after(500).hear(50);
    assert.ok(subject.did.includes("announce"));
    assert.deepEqual(during(subject, 3000, ["announce"]), ["announce@1500"]);
  });
  test("bursts for others are four an interval at most, also where nobody is answered", () => {
    const quiet = { ...announcement, repeatAfterMs: 0 };
    for (const answerLowerPriority of [true, false]) {
      const subject = master({ announcement: quiet, answerLowerPriority });
      assert.deepEqual(
        flooded(subject, 2000, 1, "announce"),
        [1, 251, 501, 751, 1001, 1251, 1501, 1751],
      );
    }
  });
  test("a flood moves nothing that is due by itself", () => {
    const contention = { count: 0, repeatAfterMs: 0 };
    const due: readonly (readonly [string, readonly number[]])[] = [
      ["send 100", [1000, 2000, 3000, 4000, 5000, 6000]],
      ["renew-addresses", [1000, 2000, 3000, 4000, 5000, 6000]],
      ["announce", [2500, 5000]],
    ];
    for (const [what, expected] of due) {
      const refreshed = { ...announcement, refreshEveryMs: 2500, contention };
      const subject = master({ announcement: refreshed, answerLowerPriority: false });
      assert.deepEqual(flooded(subject, 6000, 1, what), expected, what);
    }
  });
  test("however fast a flood is, answers leave no interval without an advertisement or a renewal", () => {
    for (const everyMs of [1, 20, 240, 260, 700, 999])
      for (const what of ["send 100", "renew-addresses"]) {
        const times = [0, ...flooded(master(), 20_000, everyMs, what)];
        const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
        assert.ok(times.length >= 20, `${what}, a packet every ${everyMs} ms: ${times.length}`);
        assert.ok(Math.max(...gaps) <= 1000, `${what}, a packet every ${everyMs} ms`);
      }
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

describe("a FAULT that only time ends", () => {
  test("is not ended by an interface or a tracker that is well", () => {
    const changes = { onAddressLost: "fault", trackers: [tracker("nginx", 10)] } as const;
    const subject = master(changes).give({ type: "address-lost", address: ADDRESS });
    subject.give({ type: "link", link: { type: "up", source: LOWER } });
    subject.give({ type: "tracker", name: "nginx", state: "up" });
    assert.deepEqual([subject.state, subject.waitMs], ["fault", 10_000]);
    assert.deepEqual(subject.next().did, ["fault -> backup (fault cleared)"]);
  });
});

describe("an address that the kernel refuses", () => {
  const refused = { type: "address-refused", address: ADDRESS, reason: "errno 99" } as const;
  test("is a fault with its reason, which is tried again after ten seconds", () => {
    const subject = master().give(refused);
    assert.deepEqual(subject.did, ["send 0", "remove-addresses", "master -> fault (address lost)"]);
    const { protocol } = subject.router;
    assert.deepEqual(protocol.type === "fault" && protocol.reasons, [refused]);
    assert.equal(subject.waitMs, 10_000);
    assert.deepEqual(subject.hear(0).after(9999).did, []);
    assert.deepEqual(subject.after(1).did, ["fault -> backup (fault cleared)"]);
    assert.equal(subject.waitMs, 3609.375);
  });
  test("keeps an owner away for ten seconds, then it is master again and may be refused again", () => {
    const subject = new Subject({ priority: 255 }).start().give(refused).next();
    assert.equal(subject.nowMs, 10_000);
    assert.equal(subject.state, "master");
    assert.equal(subject.give(refused).waitMs, 10_000);
  });
  test("says nothing to who is not master", () => {
    const subject = new Subject().start().give(refused);
    assert.deepEqual([subject.state, subject.did], ["backup", []]);
  });
});

describe("the lease", () => {
  test("false: nothing is ever renewed, and what is restored stays for good too", () => {
    const subject = master({ lease: false, onAddressLost: "restore" });
    assert.deepEqual(during(subject, 20_000, ["renew-addresses"]), []);
    subject.give({ type: "address-lost", address: ADDRESS });
    const added = subject.effects.find((effect) => effect.type === "add-addresses");
    assert.ok(added !== undefined && added.leaseSeconds === undefined);
  });
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
  test("goes down under a master that stays one; it has no way to say that it resigns", () => {
    const subject = master({ trackInterface: false });
    subject.give({ type: "link", link: { type: "down" } });
    assert.deepEqual([subject.state, subject.did], ["master", []]);
    assert.deepEqual(subject.next().did, ["send 100", "renew-addresses"]);
    assert.deepEqual(subject.give({ type: "shutdown" }).did, [
      "remove-addresses",
      "master -> initialize (shutdown)",
    ]);
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
  test("the shorter of its own interval and the master's counts", () => {
    const learnt = (ownMs: number, masterMs: number) =>
      new Subject({ version: 3, advertIntervalMs: ownMs })
        .start()
        .hear(200, HIGHER, masterMs)
        .hear(200, HIGHER, masterMs);
    for (const subject of [learnt(1000, 10), learnt(10, 1000)]) {
      const waitMs = subject.waitMs ?? 0;
      assert.deepEqual(subject.after(waitMs + 11).did, ["notice: woke-up-late"]);
      assert.equal(subject.waitMs, waitMs, "it listens to this master, by its interval");
      assert.equal(subject.next().state, "master");
    }
  });
});

describe("shutdown", () => {
  const weightless = { trackers: [tracker("nginx", 0)] };
  const states: Readonly<Record<string, readonly [() => Subject, readonly string[]]>> = {
    "before the start": [() => new Subject(), []],
    "within the start delay": [() => new Subject({ startDelayMs: 5000 }).start(), []],
    "in FAULT": [() => new Subject(weightless).start(), ["fault -> initialize (shutdown)"]],
    "in a FAULT that time ends": [
      () => master({ onAddressLost: "fault" }).give({ type: "address-lost", address: ADDRESS }),
      ["fault -> initialize (shutdown)"],
    ],
    "as backup": [() => new Subject().start(), ["backup -> initialize (shutdown)"]],
    "as backup that has heard a master resign": [
      () => new Subject().start().hear(200).hear(0),
      ["backup -> initialize (shutdown)"],
    ],
    "as master": [master, ["send 0", "remove-addresses", "master -> initialize (shutdown)"]],
    "as master with a rival": [
      () => master().hear(50),
      ["send 0", "remove-addresses", "master -> initialize (shutdown)"],
    ],
  };
  for (const [when, [make, expected]] of Object.entries(states))
    test(`${when}: it is over at once, and nothing is left to wait for`, () => {
      const subject = make().give({ type: "shutdown" });
      assert.deepEqual(subject.did, expected);
      assert.equal(subject.state, "initialize");
      assert.equal(subject.waitMs, undefined);
      assert.deepEqual(subject.hear(0).did, []);
      assert.deepEqual(subject.after(100_000).did, []);
    });
});
