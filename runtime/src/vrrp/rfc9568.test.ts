/** RFC 9568 sections 5 to 8 for version 3, sentence by sentence, as far as one virtual router can follow them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  HIGHER,
  LOWER,
  OWN,
  Subject,
  UP,
  advertisement,
  configure,
  digests,
  inIpv4,
  packetFrom,
  receive,
} from "../../test/virtual-router.ts";
import type { Ipv6Address } from "../packet/address.ts";
import { emitGratuitousArp } from "../packet/arp.ts";
import { VRRP_GROUP, encodeAdvertisement, sealAdvertisement } from "../packet/vrrp.ts";
import { createAuthenticationMemory } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";
import { RouterSet } from "./router-set.ts";
import { masterDownIntervalMs, skewTimeMs } from "./timers.ts";
import { packetsFor } from "./transmission.ts";

const V3 = { version: 3, advertIntervalMs: 1000 } as const;
const V6 = {
  ...V3,
  family: "ipv6",
  transport: { type: "multicast", group: "ff02::12" as Ipv6Address, ttl: 255 },
  addresses: [{ address: "fe80::33" as Ipv6Address, prefixLength: 64 }],
} as const;
const OWN6 = "fe80::5" as Ipv6Address;
const OTHER6 = "fe80::6" as Ipv6Address;

function subject(changes: Partial<VirtualRouterConfig> = {}): Subject {
  return new Subject({ ...V3, ...changes });
}

function master(changes: Partial<VirtualRouterConfig> = {}): Subject {
  const promoted = subject(changes).start().next();
  assert.equal(promoted.state, "master");
  return promoted;
}

/** The packet of a configuration, whole. */
function sent(config: VirtualRouterConfig, priority = 100): Uint8Array {
  const memory = { authentication: createAuthenticationMemory(), identification: 0 };
  const source = config.family === "ipv6" ? OWN6 : OWN;
  const [packet] = packetsFor(config, advertisement(config, priority), source, memory, digests, 0);
  assert.ok(packet !== undefined);
  return packet.bytes;
}

/** What a backup of this configuration makes of a message, sent to the group over IPv4. */
function judged(message: Uint8Array, options: { readonly ttl?: number } = {}): string {
  const set = new RouterSet([configure(V3)], digests);
  const received = receive(set, { family: "ipv4", bytes: inIpv4(HIGHER, message, options) });
  return received.ok ? "accepted" : received.reason;
}

/** A good message with one octet changed and the checksum right again. */
function changed(index: number, octet: number): Uint8Array {
  const encoded = encodeAdvertisement(advertisement(configure(V3), 200));
  encoded[index] = octet;
  return sealed(encoded);
}

function sealed(encoded: Uint8Array): Uint8Array {
  const path = {
    family: "ipv4",
    source: HIGHER,
    destination: VRRP_GROUP,
    checksumStyle: "message",
  } as const;
  return sealAdvertisement(encoded, path);
}

describe("5.1 the IP header", () => {
  test("IPv4: TTL 255, protocol 112, to 224.0.0.18, from the interface's address", () => {
    const packet = sent(configure(V3));
    assert.deepEqual([packet[8], packet[9]], [255, 112]);
    assert.deepEqual([...packet.subarray(12, 20)], [10, 0, 0, 5, 224, 0, 0, 18]);
  });
  test("IPv4: another TTL is dropped", () => {
    for (const ttl of [254, 64, 1, 0])
      assert.equal(
        judged(sealed(encodeAdvertisement(advertisement(configure(V3), 200))), { ttl }),
        "ttl not 255",
      );
  });
  test("IPv6: hop limit 255, next header 112, to ff02::12, from a link-local address", () => {
    const packet = sent(configure(V6));
    assert.deepEqual([packet[6], packet[7]], [112, 255]);
    assert.deepEqual([...packet.subarray(8, 10)], [0xfe, 0x80]);
    assert.deepEqual([packet[24], packet[25], packet[39]], [0xff, 0x02, 0x12]);
  });
  test("IPv6: another hop limit is dropped", () => {
    const set = new RouterSet([configure(V6)], digests);
    const arrival = packetFrom(configure(V6), OTHER6, 200);
    assert.ok(arrival.family === "ipv6");
    assert.ok(receive(set, arrival).ok);
    const received = receive(set, { ...arrival, hopLimit: 254 });
    assert.equal(received.ok ? "accepted" : received.reason, "ttl not 255");
  });
});

describe("5.2 the message", () => {
  const good = advertisement(configure(V3), 200);
  test("the version is 3; others are dropped", () => {
    assert.equal((sent(configure(V3))[20] ?? 0) >>> 4, 3);
    assert.equal(judged(sealed(encodeAdvertisement(good))), "accepted");
    for (const version of [0, 1, 4, 15])
      assert.equal(judged(changed(0, (version << 4) | 1)), "unsupported version");
    assert.equal(
      judged(sealed(encodeAdvertisement(advertisement(configure(), 200)))),
      "version mismatch",
    );
  });
  test("the type is 1; others are dropped", () => {
    assert.equal((sent(configure(V3))[20] ?? 0) & 15, 1);
    for (const type of [0, 2, 15]) assert.equal(judged(changed(0, 0x30 | type)), "unknown type");
  });
  test("the virtual router id is 1..255; 0 is dropped", () => {
    assert.equal(sent(configure({ ...V3, id: 255 }))[21], 255);
    assert.equal(judged(changed(1, 0)), "invalid virtual router id");
  });
  test("the owner sends 255, others what they have, and 0 to resign", () => {
    assert.equal(new Subject({ ...V3, priority: 255 }).start().did[0], "send 255");
    assert.equal(master({ priority: 254 }).next().did[0], "send 254");
    assert.equal(master().give({ type: "shutdown" }).did[0], "send 0");
  });
  test("at least one address; none is dropped, and so is a count that does not fit", () => {
    assert.equal(sent(configure(V3))[23], 1);
    assert.equal(judged(changed(3, 0)), "no address");
    assert.equal(judged(changed(3, 2)), "length mismatch");
  });
  test("the reserved bits are 0 when sent, and do not count when received", () => {
    assert.equal((sent(configure({ ...V3, advertIntervalMs: 40_950 }))[24] ?? 0) >>> 4, 0);
    assert.equal(judged(changed(4, 0xf0)), "accepted");
  });
  test("the interval is in centiseconds, 1..4095", () => {
    const interval = (ms: number) => {
      const packet = sent(configure({ ...V3, advertIntervalMs: ms }));
      return ((packet[24] ?? 0) << 8) | (packet[25] ?? 0);
    };
    assert.deepEqual([interval(10), interval(1000), interval(40_950)], [1, 100, 4095]);
  });
  test("an interval of 0 is dropped, and changes no timer", () => {
    const zero = encodeAdvertisement({ ...good, advertIntervalMs: 0 });
    assert.equal(judged(sealed(zero)), "invalid interval");
  });
  test("over IPv4 the checksum sums the message alone, where that is configured; both styles are accepted", () => {
    const message = sent(configure({ ...V3, checksumStyle: "message" })).subarray(20);
    let sum = 0;
    for (let at = 0; at < message.length; at += 2)
      sum += ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    assert.equal(sum, 0xffff);
    for (const checksumStyle of ["message", "pseudo-header"] as const) {
      const set = new RouterSet([configure(V3)], digests);
      assert.ok(receive(set, packetFrom(configure({ ...V3, checksumStyle }), HIGHER, 200)).ok);
    }
  });
  test("a wrong checksum is dropped, whatever it sums", () => {
    const message = sealed(encodeAdvertisement(good));
    message[6] = (message[6] ?? 0) ^ 1;
    assert.equal(judged(message), "bad checksum");
  });
  test("over IPv6 the checksum sums a pseudo-header too; another source makes it wrong", () => {
    const set = new RouterSet([configure(V6)], digests);
    const arrival = packetFrom(configure(V6), OTHER6, 200);
    assert.ok(arrival.family === "ipv6");
    const received = receive(set, { ...arrival, source: "fe80::7" as Ipv6Address });
    assert.equal(received.ok ? "accepted" : received.reason, "bad checksum");
  });
  test("the addresses are of the packet's family", () => {
    assert.equal(sent(configure(V3)).length, 20 + 8 + 4);
    assert.equal(sent(configure(V6)).length, 40 + 8 + 16);
    // Sixteen octets more than one IPv4 address has room for.
    const wide = new Uint8Array([
      ...encodeAdvertisement(good).subarray(0, 8),
      ...new Uint8Array(16),
    ]);
    assert.equal(judged(sealed(wide)), "length mismatch");
  });
});

describe("6.1 parameters", () => {
  test("Skew_Time is (256 - Priority) * Active_Adver_Interval / 256", () => {
    assert.equal(skewTimeMs(3, 100, 1000), 609.375);
    assert.equal(skewTimeMs(3, 100, 100), 60.9375);
    assert.notEqual(skewTimeMs(3, 100, 100), skewTimeMs(2, 100, 100));
  });
  test("Active_Down_Interval is 3 * Active_Adver_Interval + Skew_Time", () => {
    assert.equal(masterDownIntervalMs(configure(V3), 100), 3609.375);
    assert.equal(masterDownIntervalMs(configure(V3), 100, 100), 360.9375);
  });
  test("Preempt_Mode is on by default: a better backup does not let a worse master be", () => {
    const backup = subject({ priority: 200 }).start().after(3000).hear(100);
    assert.equal(backup.next().state, "master");
  });
});

describe("6.4.1 Initialize", () => {
  test("the owner advertises, announces and is Active at once", () => {
    assert.deepEqual(new Subject({ ...V3, priority: 255 }).start().did, [
      "send 255",
      "add-addresses",
      "announce",
      "initialize -> master (address owner)",
    ]);
  });
  test("others take their own interval for the master's, and are Backup", () => {
    const backup = subject().start();
    assert.deepEqual(backup.did, ["initialize -> backup (start)"]);
    assert.equal(backup.waitMs, 3609.375);
  });
  test("the announcement is made when the addresses are there, not before", () => {
    const effects = new Subject({ ...V3, priority: 255 }).start().did;
    assert.ok(effects.indexOf("add-addresses") < effects.indexOf("announce"));
    assert.ok(!subject().start().did.includes("announce"));
  });
});

describe("6.4.2 Backup", () => {
  test("Shutdown: the timer is cancelled, nothing is advertised", () => {
    const backup = subject().start().give({ type: "shutdown" });
    assert.deepEqual(backup.did, ["backup -> initialize (shutdown)"]);
    assert.equal(backup.waitMs, undefined);
  });
  test("the timer fires: advertise, announce, Adver_Timer, Active", () => {
    const promoted = subject().start().next();
    assert.deepEqual(promoted.did, [
      "send 100",
      "add-addresses",
      "announce",
      "backup -> master (master-down timer expired)",
    ]);
    assert.equal(promoted.waitMs, 1000);
  });
  test("it does not fire early", () => assert.equal(subject().start().after(3609).state, "backup"));
  test("priority 0 from the master: the timer is Skew_Time", () =>
    assert.equal(subject().start().hear(200).hear(0).waitMs, 609.375));
  test("priority 0 from anybody else changes nothing, and is said", () => {
    const backup = subject().start().hear(200, HIGHER).after(1000).hear(0, LOWER);
    assert.equal(backup.waitMs, 2609.375);
    assert.deepEqual(backup.did, ["notice: stranger-resigned"]);
  });
  test("the master's interval is taken over, a longer one at once", () => {
    const backup = subject().start().hear(200, HIGHER, 2000);
    assert.equal(backup.waitMs, 3 * 2000 + 2 * 609.375);
  });
  test("a shorter one when the same master claims it again: one forged packet makes nobody master early", () => {
    const backup = subject().start().hear(200, HIGHER).hear(200, HIGHER, 100);
    assert.equal(backup.waitMs, 3609.375);
    assert.deepEqual(backup.did, ["notice: interval-claimed"]);
    assert.equal(
      backup.hear(200, LOWER, 100).waitMs,
      3609.375,
      "somebody else does not confirm it",
    );
    assert.equal(backup.hear(200, HIGHER, 100).hear(200, HIGHER, 100).waitMs, 360.9375);
  });
  test("an accepted advertisement restarts the timer", () =>
    assert.equal(subject().start().after(3000).hear(100).waitMs, 3609.375));
  test("a lower priority with preemption is discarded, the timer untouched", () =>
    assert.equal(subject().start().after(3000).hear(99).waitMs, 609.375));
  test("a lower priority without preemption is accepted", () =>
    assert.equal(subject({ preempt: false }).start().after(3000).hear(1).waitMs, 3609.375));
  test("it holds no address", () => {
    const backup = subject().start().hear(200);
    assert.ok(!backup.did.includes("add-addresses"));
    assert.ok(!master().hear(101).did.includes("add-addresses"));
  });
});

describe("6.4.3 Active", () => {
  test("Shutdown: priority 0 is advertised, the timers are cancelled", () => {
    const stopped = master().give({ type: "shutdown" });
    assert.deepEqual(stopped.did, [
      "send 0",
      "remove-addresses",
      "master -> initialize (shutdown)",
    ]);
    assert.equal(stopped.waitMs, undefined);
    assert.deepEqual(stopped.after(5000).did, []);
  });
  test("the Adver_Timer fires: advertise, again after an interval", () => {
    const active = master().next();
    assert.equal(active.did[0], "send 100");
    assert.equal(active.waitMs, 1000);
    assert.deepEqual(active.after(999).did, []);
  });
  test("priority 0: advertise at once, the Adver_Timer starts again", () => {
    const active = master().after(600).hear(0);
    assert.deepEqual(active.did, ["send 100"]);
    const { protocol } = active.router;
    assert.equal(protocol.type === "master" && protocol.advertiseAtMs - active.nowMs, 1000);
  });
  test("a higher priority: Backup, with its interval, without a farewell", () => {
    const backup = master().hear(101, LOWER, 2000);
    assert.deepEqual(backup.did, ["remove-addresses", "master -> backup (higher priority heard)"]);
    assert.equal(backup.waitMs, 3 * 2000 + 2 * 609.375);
  });
  test("an equal priority and a greater address, unsigned in network order: the same", () => {
    const greater = "200.0.0.1" as typeof HIGHER;
    for (const source of [HIGHER, greater])
      assert.equal(master().hear(100, source).state, "backup");
  });
  test("an equal priority and a smaller address, or a lower priority: discarded and answered at once", () => {
    for (const [priority, source] of [
      [100, LOWER],
      [99, HIGHER],
    ] as const) {
      const active = master().after(600).hear(priority, source);
      assert.equal(active.state, "master");
      assert.deepEqual(active.did, ["contention began", "send 100", "announce"]);
    }
  });
  test("a flood of them is answered four times an interval", () => {
    const active = master();
    let answers = 0;
    for (let ms = 1; ms < 1000; ms++) {
      active.nowMs++;
      active.hear(1, HIGHER);
      answers += active.did.filter((what) => what === "send 100").length;
    }
    assert.equal(answers, 4);
  });
});

describe("7 receiving and sending", () => {
  test("a virtual router that is not configured here is dropped", () => {
    const set = new RouterSet([configure({ ...V3, id: 52 })], digests);
    const received = receive(set, packetFrom(configure(V3), HIGHER, 200));
    assert.equal(received.ok ? "accepted" : received.reason, "virtual router not configured here");
  });
  test("the interval is compared and reported, and does not drop", () => {
    const set = new RouterSet([configure(V3)], digests);
    const received = receive(
      set,
      packetFrom(configure({ ...V3, advertIntervalMs: 500 }), HIGHER, 200),
    );
    assert.ok(received.ok);
    assert.equal(received.news?.intervalDiffers, true);
  });
  test("two owners: the one with the greater address stays", () => {
    assert.equal(new Subject({ ...V3, priority: 255 }).start(UP).hear(255, HIGHER).state, "backup");
    assert.equal(new Subject({ ...V3, priority: 255 }).start(UP).hear(255, LOWER).state, "master");
  });
  test("gratuitous ARP carries the address and the hardware address of the interface that holds it", () => {
    const station = Uint8Array.of(0, 0, 0x5e, 0, 1, 0x33);
    const frame = emitGratuitousArp(station, "10.0.0.100" as typeof OWN);
    assert.deepEqual([...frame.subarray(6, 12)], [...station]);
    assert.deepEqual([...frame.subarray(22, 28)], [...station]);
    assert.deepEqual([...frame.subarray(28, 32)], [10, 0, 0, 100]);
  });
  test("flapping is told: every transition has its reason", () => {
    const reasons = [master().hear(101).did.at(-1), master().give({ type: "shutdown" }).did.at(-1)];
    for (const reason of reasons) assert.match(reason ?? "", /->.*\(.+\)/);
  });
});
