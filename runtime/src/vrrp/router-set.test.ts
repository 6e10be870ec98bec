import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HIGHER, OWN, UP, advertisement, configure, inIpv4 } from "../../test/virtual-router.ts";
import type { Ipv4Address } from "../packet/address.ts";
import { emitAdvertisement } from "../packet/vrrp.ts";
import type { Member, RouterSet } from "./router-set.ts";
import { createRouterSet, dispatch, nextDeadlineOf, receive } from "./router-set.ts";
import type { VirtualRouterConfig } from "./types.ts";

const config = configure();
const good = advertisement(config, 200);

function started(...configs: readonly VirtualRouterConfig[]): RouterSet {
  const set = createRouterSet(configs);
  for (const member of set.members.values()) {
    dispatch(member, { type: "link", link: UP }, 0);
    dispatch(member, { type: "start" }, 0);
  }
  return set;
}

function memberOf(set: RouterSet, name: string): Member {
  const member = set.members.get(name);
  assert.ok(member !== undefined);
  return member;
}

describe("the set of virtual routers", () => {
  test("gives a packet to the one of its interface and identifier, and to no other", () => {
    const set = started(
      config,
      configure({ name: "VI_2", interface: "eth1" }),
      configure({ name: "VI_3", id: 52 }),
    );
    const packet = inIpv4(HIGHER, emitAdvertisement(good));
    const counts = () => [...set.members.values()].map((member) => member.received);
    const received = receive(set, "eth1", packet, 1000);
    assert.ok(received.ok);
    assert.equal(received.member, memberOf(set, "VI_2"));
    assert.deepEqual(counts(), [0, 1, 0]);
    receive(set, "eth0", packet, 1000);
    assert.deepEqual(counts(), [1, 1, 0]);
    assert.ok(!receive(set, "eth2", packet, 1000).ok);
    const { protocol } = memberOf(set, "VI_2").router;
    assert.ok(protocol.type === "backup");
    assert.deepEqual(protocol.master, { address: HIGHER, priority: 200, heardAtMs: 1000 });
  });

  test("counts what belongs to no virtual router apart from what belongs to one", () => {
    const set = createRouterSet([config]);
    const send = (bytes: Uint8Array) => receive(set, "eth0", inIpv4(HIGHER, bytes), 0);
    send(emitAdvertisement({ ...good, virtualRouterId: 52 }));
    send(emitAdvertisement({ ...good, advertIntervalMs: 5000 }));
    send(Uint8Array.of(0x21, 51, 1));
    receive(set, "eth0", Uint8Array.of(1, 2, 3), 0);
    assert.deepEqual(Object.fromEntries(set.drops), {
      "virtual router not configured here": 1,
      "ip header malformed": 1,
    });
    assert.deepEqual(Object.fromEntries(memberOf(set, "VI_1").drops), {
      "advertisement interval mismatch": 1,
      "too short": 1,
    });
    assert.equal(memberOf(set, "VI_1").received, 0);
  });

  test("counts resignations, and drops what this host sent itself", () => {
    const set = started(config);
    receive(set, "eth0", inIpv4(HIGHER, emitAdvertisement({ ...good, priority: 0 })), 0);
    receive(set, "eth0", inIpv4(HIGHER, emitAdvertisement(good)), 0);
    receive(set, "eth0", inIpv4(OWN, emitAdvertisement(good)), 0);
    const { received, priorityZeroReceived, drops } = memberOf(set, "VI_1");
    assert.deepEqual([received, priorityZeroReceived], [2, 1]);
    assert.deepEqual(Object.fromEntries(drops), { "own advertisement": 1 });
  });

  test("notes another list of addresses once, until it was the same again", () => {
    const set = started(config);
    const other = { ...good, addresses: ["10.0.0.101" as Ipv4Address] };
    const notices = [other, other, good, good, other].map((sent) => {
      const received = receive(set, "eth0", inIpv4(HIGHER, emitAdvertisement(sent)), 0);
      return received.ok && received.effects.some((effect) => effect.type === "notice");
    });
    assert.deepEqual(notices, [true, false, false, false, true]);
  });

  test("its deadline is the earliest of all", () => {
    assert.equal(nextDeadlineOf(createRouterSet([config])), undefined);
    const set = started(
      configure({ name: "slow", id: 1, priority: 1 }),
      configure({ name: "fast", id: 2, priority: 254 }),
      configure({ name: "middle", id: 3, priority: 100 }),
    );
    assert.equal(nextDeadlineOf(set), 3007.8125);
    dispatch(memberOf(set, "fast"), { type: "shutdown" }, 0);
    assert.equal(nextDeadlineOf(set), 3609.375);
  });

  test("takes any bytes", () => {
    const set = started(config);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, framed) => {
        receive(set, "eth0", framed ? inIpv4(HIGHER, bytes) : bytes, 0);
      }),
      { numRuns: 2000 },
    );
  });
});
