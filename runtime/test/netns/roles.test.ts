/** Who is master among several: sync groups, opposite roles, preemption, and another master beside. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import type { UserVirtualRouter } from "../../src/config/define.ts";
import type { Node } from "./cluster.ts";
import { DEADLINE_MS, configuration, logged, whyNot, withCluster } from "./cluster.ts";

const skip = whyNot();
const FAST = { version: 3, advertInterval: "100ms" } as const;
const VIRTUAL = "10.0.0.100";

function router(changes: Partial<UserVirtualRouter> = {}): UserVirtualRouter {
  return { interface: "ens33", id: 51, addresses: [`${VIRTUAL}/24`], ...FAST, ...changes };
}

describe("several virtual routers", { skip }, () => {
  test("in a sync group: one loses its interface, both move; when it is back, both come back", () =>
    withCluster(async ({ node }) => {
      const extra = { extraInterfaces: [{ name: "inside", address: "10.1.0.1/24" }] };
      const a = await node(1, extra);
      const b = await node(2, { extraInterfaces: [{ name: "inside", address: "10.1.0.2/24" }] });
      const pair = (priority: number) => ({
        virtualRouters: {
          OUT: router({ priority }),
          IN: router({ priority, interface: "inside", id: 52, addresses: ["10.1.0.100/24"] }),
        },
        syncGroups: { G: { members: ["OUT", "IN"] } },
      });
      const [first, second] = [await a.start(pair(200)), await b.start(pair(100))];
      for (const name of ["OUT", "IN"]) {
        await first.entered("master", DEADLINE_MS, name);
        await second.entered("backup", DEADLINE_MS, name);
      }
      await a.host.run(["ip", "link", "set", "inside", "down"]);
      for (const name of ["OUT", "IN"]) {
        await first.entered("fault", DEADLINE_MS, name);
        await second.entered("master", DEADLINE_MS, name);
      }
      await b.holds(VIRTUAL);
      await a.lacks(VIRTUAL);
      assert.match(
        await first.statusText(),
        /because IN, which is in the same sync group, is in FAULT/,
      );
      await a.host.run(["ip", "link", "set", "inside", "up"]);
      for (const name of ["OUT", "IN"]) {
        await first.entered("master", DEADLINE_MS, name);
        await second.entered("backup", DEADLINE_MS, name);
      }
      await a.holds("10.1.0.100");
    }));

  test("in opposite roles: each host is master of one, and of both when the other is gone", () =>
    withCluster(async ({ node }) => {
      const [a, b] = [await node(1), await node(2)];
      const roles = (one: number, two: number) => ({
        virtualRouters: {
          ONE: router({ priority: one }),
          TWO: router({ priority: two, id: 52, addresses: ["10.0.0.200/24"] }),
        },
      });
      const [first, second] = [await a.start(roles(200, 100)), await b.start(roles(100, 200))];
      await first.entered("master", DEADLINE_MS, "ONE");
      await second.entered("master", DEADLINE_MS, "TWO");
      await first.entered("backup", DEADLINE_MS, "TWO");
      await second.entered("backup", DEADLINE_MS, "ONE");
      await a.host.killEverything();
      await second.entered("master", DEADLINE_MS, "ONE");
      await b.holds(VIRTUAL);
      await b.holds("10.0.0.200");
    }));
});

describe("preemption", { skip }, () => {
  async function pair(
    a: Node,
    b: Node,
    options: Partial<UserVirtualRouter>,
  ): Promise<{ readonly high: Karuntime; readonly low: Karuntime }> {
    const low = await b.start(configuration({ ...FAST, priority: 100 }));
    await low.entered("master", DEADLINE_MS);
    return { low, high: await a.start(configuration({ ...FAST, priority: 200, ...options })) };
  }

  test("preempt: false leaves a living master alone", () =>
    withCluster(async ({ node }) => {
      const { high, low } = await pair(await node(1), await node(2), { preempt: false });
      await high.entered("backup", DEADLINE_MS);
      await delay(1500);
      assert.equal((await high.status()).virtualRouters[0]?.state, "backup");
      await low.stop();
      await high.entered("master", DEADLINE_MS);
    }));

  test("preemptDelay lets it be for that long", () =>
    withCluster(async ({ node }) => {
      const { high } = await pair(await node(1), await node(2), { preemptDelay: "2s" });
      await high.entered("backup", DEADLINE_MS);
      const sinceMs = now();
      await high.entered("master", DEADLINE_MS);
      assert.ok(now() - sinceMs > 1900, `it preempted after ${now() - sinceMs} ms`);
    }));
});

describe("another master", { skip }, () => {
  test("is named while it is there; when it is gone the addresses are announced again", () =>
    withCluster(async ({ wire, node }) => {
      const [a, b] = [await node(1), await node(2)];
      // One that signs and wants signatures does not believe one that only checks them: it hears no master.
      const signed = (mode: "enforce" | "receive-only") => ({
        ...FAST,
        gratuitousArp: { repeatAfter: "0s" } as const,
        authentication: { type: "HMAC" as const, keys: [{ id: 1, key: "k".repeat(32) }], mode },
      });
      const high = await a.start(configuration({ ...signed("receive-only"), priority: 200 }));
      await high.entered("master", DEADLINE_MS);
      const low = await b.start(configuration({ ...signed("enforce"), priority: 100 }));
      await low.entered("master", DEADLINE_MS);
      await logged(high, /10\.0\.0\.2 is master too and has to yield to us/);
      await b.host.killEverything();
      const sinceMs = now();
      await logged(high, /10\.0\.0\.2 is not master any more; the addresses were announced again/);
      await waitFor(
        "the addresses to be announced again",
        () => wire.gratuitousArps(sinceMs, VIRTUAL).length >= 5,
        DEADLINE_MS,
      );
      assert.equal((await high.status()).virtualRouters[0]?.counters.contentions, 1);
    }));
});
