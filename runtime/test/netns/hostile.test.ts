/** A hostile network: what anybody on the link can send without a key, and what it may not bring about. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { delay, now, waitFor } from "@karuntime/lab/time.ts";
import type { Ipv4Address } from "../../src/packet/address.ts";
import { emitIpv4Header } from "../../src/packet/ipv4.ts";
import type { Advertisement } from "../../src/packet/vrrp.ts";
import { VRRP_GROUP, encodeAdvertisement, sealAdvertisement } from "../../src/packet/vrrp.ts";
import type { Node } from "./cluster.ts";
import { DEADLINE_MS, configuration, logged, whyNot, withCluster } from "./cluster.ts";

const skip = whyNot();
const FLOOD = fileURLToPath(new URL("./flood-client.ts", import.meta.url));
const FORGE = fileURLToPath(new URL("./forge-client.ts", import.meta.url));
const INTERVAL_MS = 100;
const FAST = { version: 3, advertInterval: "100ms" } as const;
const PACKETS_PER_SECOND = 50_000;
const SECONDS = 10;

describe("a flood of malformed packets", { skip }, () => {
  const ours = { filter: "ip proto 112 and src host 10.0.0.1" };

  async function flood(attacker: Node, perSecond: number, seconds: number): Promise<number> {
    const argv = [process.execPath, FLOOD, "ens33", String(perSecond), String(seconds), "7"];
    return (JSON.parse(await attacker.host.run(argv)) as { readonly sent: number }).sent;
  }

  test(`${PACKETS_PER_SECOND} a second for ${SECONDS} s: a master misses none of its advertisements and counts every packet`, () =>
    withCluster(async ({ wire, node }) => {
      const [a, attacker] = [await node(1), await node(3)];
      const master = await a.start(configuration({ ...FAST, priority: 200 }));
      await master.entered("master", DEADLINE_MS);
      const sinceMs = now();
      const sent = await flood(attacker, PACKETS_PER_SECOND, SECONDS);
      const untilMs = now();
      assert.ok(sent >= 0.9 * PACKETS_PER_SECOND * SECONDS, `the attacker managed only ${sent}`);

      const times = wire
        .advertisements(sinceMs, a.address)
        .map(({ atMs }) => atMs)
        .filter((atMs) => atMs <= untilMs);
      const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
      // A missed one would make a gap of two intervals.
      assert.ok(Math.max(...gaps) < 2 * INTERVAL_MS, `the longest gap was ${Math.max(...gaps)} ms`);
      const counted = async () => {
        const report = await master.status();
        const drops = [report.drops, report.virtualRouters[0]?.drops ?? {}];
        return drops.flatMap((each) => Object.values(each)).reduce((sum, count) => sum + count, 0);
      };
      await waitFor(
        "every packet to be counted",
        async () => (await counted()) >= sent,
        DEADLINE_MS,
      );
      assert.equal(await counted(), sent);
      const report = await master.status();
      assert.equal(report.virtualRouters[0]?.counters.becameMaster, 1);
      assert.equal(report.virtualRouters[0].state, "master");
      const lines = master.records.filter(
        ({ atMs, message }) => atMs >= sinceMs && message.startsWith("dropped"),
      );
      const kinds = new Set(lines.map(({ fields }) => fields["reason"])).size;
      const most = kinds * ((untilMs - sinceMs) / 1000 + 2);
      assert.ok(
        lines.length > 0 && lines.length <= most,
        `${lines.length} lines of ${kinds} kinds`,
      );
    }, ours));

  test("a backup stays backup", () =>
    withCluster(async ({ node }) => {
      const [a, b, attacker] = [await node(1), await node(2), await node(3)];
      const master = await a.start(configuration({ ...FAST, priority: 200 }));
      await master.entered("master", DEADLINE_MS);
      const backup = await b.start(configuration({ ...FAST, priority: 100 }));
      await backup.entered("backup", DEADLINE_MS);
      await flood(attacker, PACKETS_PER_SECOND / 5, 5);
      assert.equal(backup.transitions().length, 1);
      assert.equal((await backup.status()).virtualRouters[0]?.state, "backup");
      assert.equal(master.transitions().at(-1)?.to, "master");
    }, ours));
});

describe("forged packets", { skip }, () => {
  const authentication = { type: "HMAC", keys: [{ id: 1, key: "k".repeat(32) }] } as const;

  /** Sends VRRP messages (hexadecimal, or captured packets again) in the name of somebody. */
  async function forge(attacker: Node, frames: readonly Buffer[], repeat = 1): Promise<void> {
    const argv = [
      process.execPath,
      FORGE,
      "ens33",
      String(repeat),
      ...frames.map((frame) => frame.toString("hex")),
    ];
    await attacker.host.run(argv);
  }

  test("with a key, what was recorded and is sent again moves nobody, whatever it says", () =>
    withCluster(async ({ wire, node }) => {
      const [a, b, attacker] = [await node(1), await node(2), await node(3)];
      const options = { ...FAST, authentication };
      const first = await a.start(configuration({ ...options, priority: 200 }));
      await first.entered("master", DEADLINE_MS);
      const master = await b.start(configuration({ ...options, priority: 100 }));
      await master.entered("backup", DEADLINE_MS);
      const third = await node(4);
      const backup = await third.start(configuration({ ...options, priority: 50 }));
      await backup.entered("backup", DEADLINE_MS);
      await delay(500);
      // A resignation and a higher priority than that of whoever is master later, both signed.
      await first.stop();
      await master.entered("master", DEADLINE_MS);
      const recorded = wire.advertisements(undefined, a.address).map(({ frame }) => frame);
      const resignation = wire.advertisements().findLast(({ priority }) => priority === 0);
      assert.ok(resignation !== undefined);
      await delay(500);
      const ofMaster = wire
        .advertisements(undefined, b.address)
        .map(({ frame }) => frame)
        .slice(-3);
      const sinceMs = now();
      await forge(attacker, [...recorded.slice(-5), resignation.frame, ...ofMaster], 20);
      await delay(1000);
      assert.deepEqual(
        [...master.transitions(), ...backup.transitions()].filter(({ atMs }) => atMs > sinceMs),
        [],
      );
      const drops = (await backup.status()).virtualRouters[0]?.drops ?? {};
      assert.deepEqual(
        Object.keys(drops).filter((reason) => !["hmac stale", "hmac replayed"].includes(reason)),
        [],
      );
      assert.ok(Object.values(drops).reduce((sum, count) => sum + count, 0) >= 100);
    }));

  test("without a key: one packet with a short interval, or a resignation by a stranger, makes no backup master", () =>
    withCluster(async ({ node }) => {
      const [a, b, attacker] = [await node(1), await node(2), await node(3)];
      const slow = { version: 3, advertInterval: "1s" } as const;
      const master = await a.start(configuration({ ...slow, priority: 200 }));
      await master.entered("master", DEADLINE_MS);
      const backup = await b.start(configuration({ ...slow, priority: 100 }));
      await backup.entered("backup", DEADLINE_MS);
      await waitFor(
        "the backup to hear the master",
        async () =>
          ((await backup.status()).virtualRouters[0]?.counters.advertisementsReceived ?? 0) > 1,
        DEADLINE_MS,
      );
      const lie = (source: Ipv4Address, priority: number, advertIntervalMs: number) =>
        forged(source, { priority, advertIntervalMs });
      // In the master's name, every 10 ms, once; then a stranger resigns.
      await forge(attacker, [
        lie(a.address as Ipv4Address, 200, 10),
        lie("10.0.0.77" as Ipv4Address, 0, 1000),
      ]);
      await delay(2500);
      assert.equal(backup.transitions().at(-1)?.to, "backup");
      assert.equal(backup.transitions().length, 1);
      await logged(backup, /claims an interval of 10 ms instead of 1000 ms/);
      await logged(backup, /10\.0\.0\.77 resigns, but is not the master: without effect/);
    }));

  test("without a key, a resignation in the master's name: the master is back at once, and it is said", () =>
    withCluster(async ({ node }) => {
      const [a, b, attacker] = [await node(1), await node(2), await node(3)];
      const slow = { version: 3, advertInterval: "1s" } as const;
      const master = await a.start(configuration({ ...slow, priority: 200 }));
      await master.entered("master", DEADLINE_MS);
      const backup = await b.start(configuration({ ...slow, priority: 254, preempt: false }));
      await backup.entered("backup", DEADLINE_MS);
      await delay(1500);
      // With priority 254 the skew is 8 ms: it will be master before the next advertisement; the other way round the alarm is all there is.
      await forge(attacker, [
        forged(a.address as Ipv4Address, { priority: 0, advertIntervalMs: 1000 }),
      ]);
      await backup.entered("master", DEADLINE_MS);
      await master.entered("backup", DEADLINE_MS);
      assert.equal((await backup.status()).virtualRouters[0]?.counters.priorityZeroReceived, 1);
    }));

  test("a flood of lower priorities is not answered by a flood", () =>
    withCluster(async ({ wire, node }) => {
      const [a, attacker] = [await node(1), await node(3)];
      const master = await a.start(configuration({ ...FAST, priority: 200 }));
      await master.entered("master", DEADLINE_MS);
      const low = forged("10.0.0.66" as Ipv4Address, { priority: 1, advertIntervalMs: 100 });
      const sinceMs = now();
      await forge(attacker, [low], 20_000);
      const seconds = (now() - sinceMs) / 1000;
      const answers = wire.advertisements(sinceMs, a.address).length;
      const frames = wire.gratuitousArps(sinceMs, "10.0.0.100").length;
      // Four a interval, and its own.
      const most = (seconds * 1000 * 5) / INTERVAL_MS + 5;
      assert.ok(answers > 0 && answers <= most, `${answers} advertisements in ${seconds} s`);
      assert.ok(frames <= most * 5, `${frames} announcements in ${seconds} s`);
      assert.equal((await master.status()).virtualRouters[0]?.state, "master");
    }));
});

/** The frame of an advertisement of version 3 for 10.0.0.100, made without any key. */
function forged(
  source: Ipv4Address,
  { priority, advertIntervalMs }: { readonly priority: number; readonly advertIntervalMs: number },
): Buffer {
  const sent: Advertisement = {
    version: 3,
    virtualRouterId: 51,
    priority,
    advertIntervalMs,
    addresses: ["10.0.0.100" as Ipv4Address],
  };
  const path = {
    family: "ipv4",
    source,
    destination: VRRP_GROUP,
    checksumStyle: "message",
  } as const;
  const payload = sealAdvertisement(encodeAdvertisement(sent), path);
  const header = emitIpv4Header({
    source,
    destination: VRRP_GROUP,
    ttl: 255,
    protocol: 112,
    identification: 1,
    payloadOctets: payload.length,
  });
  return Buffer.concat([Buffer.from("01005e0000120200000000660800", "hex"), header, payload]);
}
