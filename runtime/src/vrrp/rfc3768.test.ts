/** RFC 3768 section 6, sentence by sentence, as far as a virtual router without a virtual MAC address can follow it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, OWN, Subject, configure, tracker } from "../../test/virtual-router.ts";
import { leaseSeconds, masterDownIntervalMs, skewTimeMs } from "./timers.ts";

const PROMOTION = ["send 100", "add-addresses", "announce"];

/** A master of priority 100 that was promoted at its master-down timer. */
function master(): Subject {
  const subject = new Subject().start().next();
  assert.equal(subject.state, "master");
  return subject;
}

describe("6.1 parameters", () => {
  test("Skew_Time is (256 - Priority) / 256 seconds", () => {
    assert.equal(skewTimeMs(2, 100, 5000), 609.375);
    assert.equal(skewTimeMs(2, 255, 1000), 3.90625);
    assert.equal(skewTimeMs(2, 1, 1000), 996.09375);
  });
  test("Master_Down_Interval is 3 * Advertisement_Interval + Skew_Time", () => {
    assert.equal(masterDownIntervalMs(configure(), 100), 3609.375);
    assert.equal(masterDownIntervalMs(configure({ advertIntervalMs: 5000 }), 254), 15_007.8125);
  });
});

describe("6.4.1 Initialize", () => {
  test("a second Shutdown changes nothing, nor does what the surroundings do", () => {
    const subject = new Subject({ trackers: [tracker("nginx", 0)] })
      .give({ type: "tracker", name: "nginx", state: "down" })
      .give({ type: "shutdown" });
    assert.equal(subject.state, "initialize");
    assert.deepEqual(subject.did, []);
    subject.give({ type: "link", link: { type: "down" } });
    assert.equal(subject.state, "initialize");
    assert.deepEqual(subject.did, []);
  });
  test("nothing happens before a Startup event", () => {
    const subject = new Subject().hear(0).after(100_000);
    assert.equal(subject.state, "initialize");
    assert.deepEqual(subject.did, []);
  });
  test("priority 255: send an advertisement, broadcast a gratuitous ARP for each address, set the Adver_Timer, become master", () => {
    const subject = new Subject({ priority: 255 }).start();
    assert.deepEqual(subject.did, [
      "send 255",
      "add-addresses",
      "announce",
      "initialize -> master (address owner)",
    ]);
    assert.equal(subject.waitMs, 1000);
  });
  test("otherwise: set the Master_Down_Timer to Master_Down_Interval, become backup", () => {
    const subject = new Subject().start();
    assert.deepEqual(subject.did, ["initialize -> backup (start)"]);
    assert.equal(subject.waitMs, 3609.375);
  });
});

describe("6.4.2 Backup", () => {
  test("Shutdown: cancel the Master_Down_Timer, become Initialize; no advertisement", () => {
    const subject = new Subject().start().give({ type: "shutdown" });
    assert.deepEqual(subject.did, ["backup -> initialize (shutdown)"]);
    assert.equal(subject.waitMs, undefined);
  });
  test("the Master_Down_Timer fires: send an advertisement, gratuitous ARP, set the Adver_Timer, become master", () => {
    const subject = new Subject().start().next();
    assert.deepEqual(subject.did, [...PROMOTION, "backup -> master (master-down timer expired)"]);
    assert.equal(subject.waitMs, 1000);
  });
  test("it does not fire a moment too early", () => {
    assert.equal(new Subject().start().after(3609.3).state, "backup");
  });
  test("an advertisement with priority 0: set the Master_Down_Timer to Skew_Time", () => {
    const subject = new Subject().start().hear(0);
    assert.deepEqual(subject.did, []);
    assert.equal(subject.waitMs, 609.375);
    assert.match(subject.next().did.at(-1) ?? "", /master resigned/);
  });
  test("a second one with priority 0 does not put it off", () => {
    const subject = new Subject().start().hear(0).after(400).hear(0);
    assert.equal(subject.waitMs, 209.375);
  });
  test("preempt, priority equal to or above the local one: reset the Master_Down_Timer", () => {
    for (const priority of [100, 101, 254]) {
      assert.equal(new Subject().start().after(3000).hear(priority).waitMs, 3609.375);
    }
  });
  test("preempt, a lower priority: discard the advertisement", () => {
    const subject = new Subject().start().after(3000).hear(99);
    assert.equal(subject.waitMs, 609.375);
    assert.equal(subject.next().state, "master");
  });
  test("no preempt: any priority but 0 resets the Master_Down_Timer", () => {
    const subject = new Subject({ preempt: false }).start().after(3000).hear(1);
    assert.equal(subject.waitMs, 3609.375);
    assert.equal(subject.state, "backup");
  });
  test("6.1 Preempt_Mode: the address owner always preempts, independent of the setting", () => {
    const subject = new Subject({ priority: 255, preempt: false })
      .start()
      .give({ type: "address-lost", address: "10.0.0.100" as never });
    assert.equal(subject.state, "backup");
    subject.after(3000).hear(100);
    assert.equal(subject.waitMs, 3.90625);
    assert.equal(subject.next().state, "master");
  });
});

describe("6.4.3 Master", () => {
  test("Shutdown: cancel the Adver_Timer, send an advertisement with priority 0, become Initialize", () => {
    const subject = master().give({ type: "shutdown" });
    assert.deepEqual(subject.did, [
      "send 0",
      "remove-addresses",
      "master -> initialize (shutdown)",
    ]);
    assert.equal(subject.waitMs, undefined);
    assert.deepEqual(subject.after(10_000).did, []);
  });
  test("the Adver_Timer fires: send an advertisement, reset the Adver_Timer", () => {
    const subject = master().next();
    assert.deepEqual(subject.did, ["send 100", "renew-addresses"]);
    assert.equal(subject.waitMs, 1000);
  });
  test("a timer that fires late does not shift those after it", () => {
    const subject = master().after(1300);
    assert.equal(subject.waitMs, 700);
  });
  test("a timer that fires later than a whole interval sends one advertisement, not those it missed", () => {
    const subject = master().after(2500);
    assert.deepEqual(subject.did, ["send 100", "renew-addresses"]);
    assert.equal(subject.waitMs, 1000);
  });
  test("an advertisement with priority 0: send an advertisement, reset the Adver_Timer", () => {
    const subject = master().after(600).hear(0);
    assert.deepEqual(subject.did, ["send 100"]);
    assert.equal(
      subject.router.protocol.type === "master" &&
        subject.router.protocol.advertiseAtMs - subject.nowMs,
      1000,
    );
  });
  test("a higher priority: cancel the Adver_Timer, set the Master_Down_Timer, become backup; no priority 0", () => {
    const subject = master().hear(101, LOWER);
    assert.deepEqual(subject.did, ["remove-addresses", "master -> backup (higher priority heard)"]);
    assert.equal(subject.waitMs, 3609.375);
  });
  test("an equal priority and a greater address: the same", () => {
    const subject = master().hear(100, HIGHER);
    assert.deepEqual(subject.did, [
      "remove-addresses",
      "master -> backup (equal priority and higher address heard)",
    ]);
  });
  test("an equal priority and a smaller address, or a lower priority: discard; and, by RFC 9568, answer at once", () => {
    for (const [priority, source] of [
      [100, LOWER],
      [99, HIGHER],
    ] as const) {
      const subject = master().after(600).hear(priority, source);
      assert.equal(subject.state, "master");
      assert.deepEqual(subject.did, ["contention began", "send 100", "announce"]);
      const { protocol } = subject.router;
      const waitMs = protocol.type === "master" && protocol.advertiseAtMs - subject.nowMs;
      assert.equal(waitMs, 1000, "the answer counts as this interval's advertisement");
    }
  });
  test("an equal priority and an equal address is no reason to yield", () =>
    assert.equal(master().hear(100, OWN).state, "master"));
});

describe("beyond the RFC, as keepalived", () => {
  test("the second burst of gratuitous ARP comes 5 s after the first, once", () => {
    const subject = master();
    const announced: number[] = [];
    const promotedAtMs = subject.nowMs;
    while (subject.nowMs < promotedAtMs + 20_000)
      if (subject.next().did.includes("announce")) announced.push(subject.nowMs - promotedAtMs);
    assert.deepEqual(announced, [5000]);
  });
  test("it does not wait for the next advertisement, and there is none where it is switched off", () => {
    const { announcement } = configure();
    const subject = new Subject({ advertIntervalMs: 60_000, announcement }).start().next();
    assert.equal(subject.waitMs, 5000);
    assert.deepEqual(subject.next().did, ["announce"]);
    const off = new Subject({ announcement: { ...announcement, repeatAfterMs: 0 } }).start().next();
    for (let advertisements = 0; advertisements < 10; advertisements++)
      assert.ok(!off.next().did.includes("announce"));
  });
  test("a lease is a little longer than the slowest backup takes to notice, and at least 3 s", () => {
    const lease = (advertIntervalMs: number) => {
      const effect = new Subject({ advertIntervalMs })
        .start()
        .next()
        .effects.find((entry) => entry.type === "add-addresses");
      return effect?.leaseSeconds;
    };
    assert.equal(lease(1000), 4);
    assert.equal(lease(5000), 16);
    assert.equal(leaseSeconds(configure({ version: 3, advertIntervalMs: 5500 })), 22);
    assert.equal(leaseSeconds(configure({ version: 3, advertIntervalMs: 100 })), 3);
  });
  test("without a lease addresses stay until they are removed, and are not renewed", () => {
    const subject = new Subject({ lease: false }).start().next();
    assert.equal(
      subject.effects.find((effect) => effect.type === "add-addresses")?.leaseSeconds,
      undefined,
    );
    assert.deepEqual(subject.next().did, ["send 100"]);
  });
  test("an address removed by somebody else: resign, and take part in the election again", () => {
    const subject = master();
    subject.give({ type: "address-lost", address: "10.0.0.100" as never });
    assert.deepEqual(subject.did, [
      "notice: address-lost",
      "send 0",
      "remove-addresses",
      "master -> backup (address lost)",
    ]);
    assert.equal(subject.waitMs, 3609.375);
  });
  test("an address that the kernel refuses: never a master without addresses", () => {
    const subject = master().give({
      type: "address-refused",
      address: "10.0.0.100" as never,
      reason: "errno 99",
    });
    assert.equal(subject.state, "fault");
    assert.ok(subject.did.includes("send 0"));
    assert.deepEqual(subject.next().did, ["fault -> backup (fault cleared)"]);
  });
});

describe("a process that slept", () => {
  test("a master that wakes up after its leases ended gives up silently and listens first", () => {
    const subject = master().after(10_000);
    assert.deepEqual(subject.did, [
      "notice: woke-up-late",
      "remove-addresses",
      "master -> backup (woke up late)",
    ]);
    assert.equal(subject.waitMs, 3609.375);
  });
  test("the same if a packet or the loss of an address reaches it before its timer does", () => {
    for (const wake of [
      (subject: Subject) => subject.hear(99),
      (subject: Subject) => subject.hear(0),
      (subject: Subject) => subject.give({ type: "address-lost", address: "10.0.0.100" as never }),
    ]) {
      const subject = master();
      subject.nowMs += 10_000;
      assert.deepEqual(wake(subject).did, [
        "notice: woke-up-late",
        "remove-addresses",
        "master -> backup (woke up late)",
      ]);
      assert.equal(subject.waitMs, 3609.375);
    }
  });
  test("a master that is late by less goes on", () =>
    assert.equal(master().after(4000).state, "master"));
  test("it announces again once the fastest backup may have taken over", () => {
    const fastestMs = masterDownIntervalMs(configure(), 254);
    assert.deepEqual(master().after(fastestMs).did, ["send 100", "renew-addresses"]);
    assert.deepEqual(master().after(fastestMs + 1).did, [
      "send 100",
      "renew-addresses",
      "announce",
    ]);
  });
  test("a backup that wakes up late listens for a whole interval before it promotes itself", () => {
    const subject = new Subject().start().after(3609.375 + 1001);
    assert.deepEqual(subject.did, ["notice: woke-up-late"]);
    assert.equal(subject.state, "backup");
    assert.equal(subject.waitMs, 3609.375);
  });
});

describe("trackers and the interface", () => {
  const weightless = { trackers: [tracker("nginx", 0)] };
  test("with weight 0 nothing starts before the first result, and up starts it", () => {
    const subject = new Subject(weightless).start();
    assert.equal(subject.state, "fault");
    assert.equal(subject.waitMs, undefined);
    subject.give({ type: "tracker", name: "nginx", state: "up" });
    assert.deepEqual(subject.did, ["fault -> backup (fault cleared)"]);
  });
  test("with weight 0 down takes the addresses away at once, with priority 0", () => {
    const subject = new Subject(weightless)
      .start()
      .give({ type: "tracker", name: "nginx", state: "up" })
      .next();
    subject.give({ type: "tracker", name: "nginx", state: "down" });
    assert.deepEqual(subject.did, ["send 0", "remove-addresses", "master -> fault (fault)"]);
    assert.deepEqual(subject.hear(0).did, []);
  });
  test("a weight changes the priority, which the next advertisement carries", () => {
    const subject = new Subject({ trackers: [tracker("nginx", -20)] }).start().next();
    subject.give({ type: "tracker", name: "nginx", state: "down" });
    assert.deepEqual(subject.effects, [{ type: "priority-changed", from: 100, to: 80 }]);
    assert.equal(subject.next().did[0], "send 80");
  });
  test("a changed priority rescales the running Master_Down_Timer", () => {
    const subject = new Subject({ trackers: [tracker("nginx", 64)] }).start().after(1000);
    subject.give({ type: "tracker", name: "nginx", state: "up" });
    assert.equal(subject.waitMs, 2609.375 - 250);
  });
  test("an interface that goes down is a fault; nothing can be sent on it", () => {
    const subject = master().give({ type: "link", link: { type: "down" } });
    assert.deepEqual(subject.did, ["remove-addresses", "master -> fault (fault)"]);
  });
  test("an interface without an address has no sender's address for a priority 0", () => {
    const subject = master().give({ type: "link", link: { type: "up", source: undefined } });
    assert.deepEqual(subject.did, ["remove-addresses", "master -> fault (fault)"]);
  });
  test("a fault is told with all its reasons, which are kept up to date", () => {
    const subject = new Subject(weightless).start({ type: "missing" });
    const unknown = { type: "tracker-unknown", tracker: "nginx" };
    const reasons = () =>
      subject.router.protocol.type === "fault" ? subject.router.protocol.reasons : undefined;
    assert.deepEqual(subject.effects, [
      {
        type: "transition",
        from: "initialize",
        to: "fault",
        reason: "fault",
        priority: 100,
        faults: [{ type: "interface-missing" }, unknown],
      },
    ]);
    subject.give({ type: "link", link: { type: "down" } });
    assert.deepEqual(reasons(), [{ type: "interface-down" }, unknown]);
    subject.give({ type: "link", link: { type: "up", source: undefined } });
    assert.deepEqual(reasons(), [{ type: "no-source-address" }, unknown]);
    subject.give({ type: "tracker", name: "nginx", state: "down" });
    assert.deepEqual(reasons(), [
      { type: "no-source-address" },
      { type: "tracker-down", tracker: "nginx" },
    ]);
  });
  test("every fault must clear before the election begins again", () => {
    const subject = new Subject(weightless).start({ type: "missing" });
    subject.give({ type: "tracker", name: "nginx", state: "up" });
    assert.equal(subject.state, "fault");
    subject.give({ type: "link", link: { type: "up", source: undefined } });
    assert.equal(subject.state, "fault");
    subject.give({ type: "link", link: { type: "up", source: "10.0.0.5" as never } });
    assert.equal(subject.state, "backup");
  });
});
