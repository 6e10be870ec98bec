/** What must hold whatever happens: one virtual router under any events, several on one lossless network, priorities. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  HIGHER,
  LOWER,
  Subject,
  UP,
  configure,
  digests,
  tracker,
} from "../../test/virtual-router.ts";
import type { Ipv4Address } from "../packet/address.ts";
import { effectivePriority } from "./priority.ts";
import type { Arrival, Outcome } from "./router-set.ts";
import { RouterSet } from "./router-set.ts";
import { packetsFor } from "./transmission.ts";
import { masterDownIntervalMs, skewTimeMs } from "./timers.ts";
import type { TrackerState, VirtualRouterEvent } from "./types.ts";

const trackerState = fc.constantFrom<TrackerState>("unknown", "up", "down");

const move = fc.oneof(
  fc.record({
    type: fc.constant("pass" as const),
    ms: fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 60_000 })),
  }),
  fc.record({
    type: fc.constant("hear" as const),
    priority: fc.integer({ min: 0, max: 255 }),
    source: fc.constantFrom(LOWER, HIGHER),
  }),
  fc.record({
    type: fc.constant("event" as const),
    event: fc.oneof<fc.Arbitrary<VirtualRouterEvent>[]>(
      fc.constant({ type: "start" as const }),
      fc.constant({ type: "shutdown" as const }),
      fc.constant({ type: "link" as const, link: UP }),
      fc.constant({ type: "link" as const, link: { type: "down" as const } }),
      fc.constant({ type: "link" as const, link: { type: "missing" as const } }),
      trackerState.map((state) => ({ type: "tracker" as const, name: "a", state })),
      trackerState.map((state) => ({ type: "tracker" as const, name: "b", state })),
      fc.constant({ type: "address-lost" as const, address: "10.0.0.100" as Ipv4Address }),
      fc.constant({
        type: "address-refused" as const,
        address: "10.0.0.100" as Ipv4Address,
        reason: "errno 99",
      }),
    ),
  }),
);

test("after any events: addresses exactly while master, silence after a resignation, deadlines in the future", () => {
  const config = fc.record({
    priority: fc.integer({ min: 1, max: 255 }),
    preempt: fc.boolean(),
    lease: fc.boolean(),
    trackers: fc.constantFrom([], [tracker("a", 0)], [tracker("a", -30), tracker("b", 40)]),
  });
  fc.assert(
    fc.property(config, fc.array(move, { maxLength: 60 }), (changes, moves) => {
      const subject = new Subject(changes);
      let holds = false;
      const check = (): void => {
        let resigned = false;
        for (const effect of subject.effects) {
          if (effect.type === "add-addresses") holds = true;
          if (effect.type === "remove-addresses") holds = false;
          if (effect.type === "renew-addresses" || effect.type === "announce")
            assert.ok(holds, `${effect.type} without addresses`);
          if (effect.type === "send-advertisement") {
            assert.ok(!resigned, "an advertisement after a resignation");
            resigned = effect.advertisement.priority === 0;
          }
        }
        assert.equal(holds, subject.state === "master");
        const effective = effectivePriority(
          subject.router.config,
          subject.router.trackers,
        ).effective;
        assert.ok(effective >= 1 && effective <= 255);
      };
      for (const step of moves) {
        if (step.type === "hear") subject.hear(step.priority, step.source);
        else if (step.type === "event") subject.give(step.event);
        else subject.nowMs += step.ms;
        if (step.type !== "pass") check();
        // The engine ticks after each event; the event itself may have come before an overdue tick.
        subject.after(0);
        check();
        assert.ok((subject.waitMs ?? 1) > 0, `a deadline ${subject.waitMs} ms away after a tick`);
      }
    }),
    { numRuns: 3000 },
  );
});

describe("several virtual routers on one network that loses nothing", () => {
  const DELAY_MS = 1;

  /** Runs them until `untilMs` and returns who is master at each millisecond boundary asked for. */
  function network(priorities: readonly number[]) {
    const nodes = priorities.map((priority, index) => {
      const address = `10.0.0.${index + 1}` as Ipv4Address;
      const set = new RouterSet([configure({ priority })], digests);
      const member = set.members.get("VI_1");
      assert.ok(member !== undefined);
      return { address, set, member, alive: true, holds: false };
    });
    type Node = (typeof nodes)[number];
    let nowMs = 0;
    const wire: { readonly atMs: number; readonly from: Node; readonly packet: Arrival }[] = [];

    function perform(node: Node, outcomes: readonly Outcome[]): void {
      for (const effect of outcomes.flatMap((outcome) => outcome.effects)) {
        if (effect.type === "add-addresses") node.holds = true;
        if (effect.type === "remove-addresses") node.holds = false;
        if (effect.type !== "send-advertisement") continue;
        const { config } = node.member.router;
        const { advertisement } = effect;
        const { memory } = node.member;
        for (const { bytes } of packetsFor(config, advertisement, node.address, memory, digests, 0))
          wire.push({ atMs: nowMs + DELAY_MS, from: node, packet: { family: "ipv4", bytes } });
      }
    }
    function advance(toMs: number): void {
      for (;;) {
        const deadlines = nodes
          .filter((node) => node.alive)
          .map((node) => node.set.nextDeadlineMs() ?? Number.POSITIVE_INFINITY);
        const next = Math.min(wire[0]?.atMs ?? Number.POSITIVE_INFINITY, ...deadlines);
        if (next > toMs) break;
        nowMs = next;
        const arrived = wire[0]?.atMs === nowMs ? wire.shift() : undefined;
        for (const node of nodes) {
          if (!node.alive) continue;
          if (arrived !== undefined && arrived.from !== node) {
            const clock = { nowMs, unixMs: 0 };
            const received = node.set.receive("eth0", arrived.packet, clock);
            if (received.ok) perform(node, received.outcomes);
          }
          perform(node, node.set.tick(nowMs));
        }
      }
      nowMs = toMs;
    }
    for (const node of nodes) {
      perform(
        node,
        node.set.dispatch(
          node.member,
          { type: "link", link: { type: "up", source: node.address } },
          nowMs,
        ),
      );
      perform(node, node.set.dispatch(node.member, { type: "start" }, nowMs));
    }
    return {
      nodes,
      advance,
      perform,
      now: () => nowMs,
      masters: () => nodes.flatMap((node, index) => (node.alive && node.holds ? [index] : [])),
    };
  }

  test("the highest priority wins, by the address where priorities are equal", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 254 }), { minLength: 1, maxLength: 5 }),
        (priorities) => {
          const { advance, masters } = network(priorities);
          advance(masterDownIntervalMs(configure(), Math.max(...priorities)) + 2 * DELAY_MS + 1000);
          const best = Math.max(...priorities);
          const [winner] = masters();
          assert.equal(masters().length, 1);
          assert.equal(priorities[winner ?? -1], best);
        },
      ),
    );
  });

  test("a master that dies is replaced within the next one's master-down interval", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 254 }), { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 0, max: 5000 }),
        (priorities, moment) => {
          const { nodes, advance, masters } = network(priorities);
          advance(10_000 + moment);
          const [dead = 0] = masters();
          const node = nodes[dead];
          assert.ok(node !== undefined);
          node.alive = false;
          const next = Math.max(...priorities.filter((_, index) => index !== dead));
          advance(10_000 + moment + masterDownIntervalMs(configure(), next) + 2 * DELAY_MS);
          assert.deepEqual(
            masters().map((index) => priorities[index]),
            [next],
          );
        },
      ),
    );
  });

  test("a master that resigns is replaced within the next one's skew time", () => {
    const { nodes, advance, perform, masters } = network([100, 90]);
    advance(10_000);
    const [first] = nodes;
    assert.ok(first !== undefined);
    perform(first, first.set.dispatch(first.member, { type: "shutdown" }, 10_000));
    advance(10_000 + skewTimeMs(2, 90, 1000) + 2 * DELAY_MS);
    assert.deepEqual(masters(), [1]);
  });
});

describe("the effective priority", () => {
  const priority = (base: number, weight: number, state: TrackerState) =>
    effectivePriority(configure({ priority: base, trackers: [tracker("t", weight)] }), {
      t: state,
    });
  test("is base + what the trackers say now, within 1..254", () => {
    assert.equal(priority(100, 20, "up").effective, 120);
    assert.equal(priority(100, 20, "down").effective, 100);
    assert.equal(priority(100, -20, "down").effective, 80);
    assert.equal(priority(100, -20, "up").effective, 100);
    assert.equal(priority(250, 20, "up").effective, 254);
    assert.equal(priority(10, -20, "down").effective, 1);
    assert.equal(priority(100, 20, "unknown").effective, 100);
    assert.equal(priority(100, -20, "unknown").effective, 100);
  });
  test("of an address owner never changes", () =>
    assert.equal(priority(255, -20, "down").effective, 255));
  test("weight 0 makes a fault of everything but up", () => {
    assert.deepEqual(priority(100, 0, "up").faults, []);
    assert.deepEqual(priority(100, 0, "down").faults, [{ type: "tracker-down", tracker: "t" }]);
    assert.deepEqual(priority(100, 0, "unknown").faults, [
      { type: "tracker-unknown", tracker: "t" },
    ]);
  });
});
