import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  HIGHER,
  OWN,
  UP,
  advertisement,
  configure,
  digests,
  inIpv4,
} from "../../test/virtual-router.ts";
import type { Ipv4Address } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import { encodeAdvertisement, sealAdvertisement, VRRP_GROUP } from "../packet/vrrp.ts";
import type { VirtualRouterConfig } from "./config.ts";
import type { Member } from "./router-set.ts";
import { RouterSet } from "./router-set.ts";

const config = configure();
const good = advertisement(config, 200);

/** The packet with an advertisement, from somebody. */
function packet(sent: Advertisement, source: Ipv4Address = HIGHER): Uint8Array {
  const path = {
    family: "ipv4",
    source,
    destination: VRRP_GROUP,
    checksumStyle: "message",
  } as const;
  return inIpv4(source, sealAdvertisement(encodeAdvertisement(sent), path));
}

function receive(set: RouterSet, name: string, bytes: Uint8Array, nowMs: number) {
  return set.receive(name, { family: "ipv4", bytes }, { nowMs, unixMs: 0 });
}

function started(...configs: readonly VirtualRouterConfig[]): RouterSet {
  const set = new RouterSet(configs, digests);
  for (const member of set.members.values()) {
    set.dispatch(member, { type: "link", link: UP }, 0);
    set.dispatch(member, { type: "start" }, 0);
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
    const bytes = packet(good);
    const counts = () => [...set.members.values()].map((member) => member.received);
    const received = receive(set, "eth1", bytes, 1000);
    assert.ok(received.ok);
    assert.equal(received.member, memberOf(set, "VI_2"));
    assert.deepEqual(counts(), [0, 1, 0]);
    receive(set, "eth0", bytes, 1000);
    assert.deepEqual(counts(), [1, 1, 0]);
    assert.ok(!receive(set, "eth2", bytes, 1000).ok);
    const { protocol } = memberOf(set, "VI_2").router;
    assert.ok(protocol.type === "backup");
    assert.deepEqual(protocol.master, { address: HIGHER, priority: 200, heardAtMs: 1000 });
  });

  test("counts what belongs to no virtual router apart from what belongs to one", () => {
    const set = new RouterSet([config], digests);
    const send = (bytes: Uint8Array) => receive(set, "eth0", bytes, 0);
    send(packet({ ...good, virtualRouterId: 52 }));
    send(packet({ ...good, advertIntervalMs: 5000 }));
    send(inIpv4(HIGHER, Uint8Array.of(0x21, 51, 1)));
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
    receive(set, "eth0", packet({ ...good, priority: 0 }, HIGHER), 0);
    receive(set, "eth0", packet(good, HIGHER), 0);
    receive(set, "eth0", packet(good, OWN), 0);
    const { received, priorityZeroReceived, drops } = memberOf(set, "VI_1");
    assert.deepEqual([received, priorityZeroReceived], [2, 1]);
    assert.deepEqual(Object.fromEntries(drops), { "own advertisement": 1 });
  });

  test("tells of a peer when it is new, and when its list of addresses changes its sense", () => {
    const set = started(config);
    const other = { ...good, addresses: ["10.0.0.101" as Ipv4Address] };
    const notices = [other, other, good, good, other].map((sent) => {
      const received = receive(set, "eth0", packet(sent, HIGHER), 0);
      return received.news !== undefined;
    });
    assert.deepEqual(notices, [true, false, true, false, true]);
  });

  test("its deadline is the earliest of all", () => {
    assert.equal(new RouterSet([config], digests).nextDeadlineMs(), undefined);
    const set = started(
      configure({ name: "slow", id: 1, priority: 1 }),
      configure({ name: "fast", id: 2, priority: 254 }),
      configure({ name: "middle", id: 3, priority: 100 }),
    );
    assert.equal(set.nextDeadlineMs(), 3007.8125);
    set.dispatch(memberOf(set, "fast"), { type: "shutdown" }, 0);
    assert.equal(set.nextDeadlineMs(), 3609.375);
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
