/** Who else was heard: what about it is news, and how many are remembered. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, advertisement, configure } from "../../test/virtual-router.ts";
import type { IpAddress, Ipv4Address } from "../packet/address.ts";
import type { Peer, Peers } from "./peers.ts";
import { notePeer } from "./peers.ts";

const REMEMBERED = 16;
const config = configure();
const accepted = { verdict: "accepted", addressesDiffer: false, intervalDiffers: false };

/** Peers, each told with the time at which it is heard; `judged` as admission says it. */
class Heard {
  readonly peers: Peers = new Map();
  nowMs = 0;

  hear(address: IpAddress, judged: Partial<typeof accepted> = {}, priority = 200) {
    const sent = advertisement(config, priority);
    return notePeer(this.peers, address, sent, { ...accepted, ...judged }, ++this.nowMs);
  }

  peer(address: IpAddress): Peer {
    const peer = this.peers.get(address);
    assert.ok(peer !== undefined, `${address} is not remembered`);
    return peer;
  }
}

function numbered(index: number): Ipv4Address {
  return `10.0.1.${index}` as Ipv4Address;
}

describe("news", () => {
  const changes: readonly (readonly [string, Partial<typeof accepted>])[] = [
    ["its verdict", { verdict: "password mismatch" }],
    ["whether its addresses are ours", { addressesDiffer: true }],
    ["whether its interval is ours", { intervalDiffers: true }],
  ];
  test("is a peer that is heard for the first time, and not the same one again", () => {
    const heard = new Heard();
    assert.equal(heard.hear(HIGHER), heard.peer(HIGHER));
    assert.equal(heard.hear(HIGHER), undefined);
    assert.equal(heard.hear(LOWER), heard.peer(LOWER), "another one is heard for the first time");
    assert.equal(heard.hear(HIGHER), undefined, "and makes no news of the one before");
  });
  for (const [what, judged] of changes)
    test(`is a change of ${what}, once in either direction`, () => {
      const heard = new Heard();
      heard.hear(HIGHER);
      const news = [judged, judged, {}, {}].map((each) => heard.hear(HIGHER, each) !== undefined);
      assert.deepEqual(news, [true, false, true, false]);
    });
  test("is not a change of what it says: a priority moves whenever a tracker does", () => {
    const heard = new Heard();
    heard.hear(HIGHER, {}, 200);
    assert.equal(heard.hear(HIGHER, {}, 180), undefined);
    assert.equal(heard.peer(HIGHER).priority, 180, "but it is remembered");
  });
});

describe("what is remembered", () => {
  test("is what a peer said last, when, and how often it was heard", () => {
    const heard = new Heard();
    heard.hear(HIGHER);
    heard.hear(LOWER);
    heard.hear(HIGHER, { verdict: "version mismatch" }, 150);
    assert.deepEqual(heard.peer(HIGHER), {
      address: HIGHER,
      priority: 150,
      advertIntervalMs: 1000,
      addresses: ["10.0.0.100"],
      verdict: "version mismatch",
      addressesDiffer: false,
      intervalDiffers: false,
      heardAtMs: 3,
      advertisements: 2,
    });
    assert.equal(heard.peer(LOWER).advertisements, 1);
  });
  test(`is no more than ${REMEMBERED} peers: the least recently heard is forgotten`, () => {
    const heard = new Heard();
    for (let index = 1; index <= REMEMBERED; index++) heard.hear(numbered(index));
    assert.equal(heard.peers.size, REMEMBERED);
    heard.hear(numbered(1));
    heard.hear(numbered(REMEMBERED + 1));
    assert.equal(heard.peers.size, REMEMBERED);
    assert.ok(!heard.peers.has(numbered(2)), "the first of them was heard again since");
    assert.equal(heard.peer(numbered(1)).advertisements, 2);
    heard.peer(numbered(3));
    heard.peer(numbered(REMEMBERED + 1));
  });
  test("is nothing of a peer that was forgotten: it is news again, and counts from one", () => {
    const heard = new Heard();
    for (let index = 1; index <= REMEMBERED + 1; index++) heard.hear(numbered(index));
    assert.equal(heard.hear(numbered(1)), heard.peer(numbered(1)));
    assert.equal(heard.peer(numbered(1)).advertisements, 1);
  });
});
