/** karuntime with karuntime in every dialect: who is master, what goes over the wire, who takes over. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Capture } from "@karuntime/lab/capture.ts";
import { now, waitFor } from "@karuntime/lab/time.ts";
import { tsharkExperts, tsharkMissing } from "@karuntime/lab/tshark.ts";
import type { UserVirtualRouter } from "../../src/config/define.ts";
import { DEADLINE_MS, configuration, logged, whyNot, withCluster } from "./cluster.ts";

const skip = whyNot();
const KEY = "0123456789abcdef0123456789abcdef";
const V6 = { addresses: ["fe80::33/64", "2001:db8::100/64"] };
const FAST = { version: 3, advertInterval: "100ms" } as const;
const unicast = { unicast: { peers: ["10.0.0.1", "10.0.0.2"] } };

interface Dialect {
  readonly options: Partial<UserVirtualRouter>;
  readonly virtual?: string;
  /** Fields of every advertisement. */
  readonly wire: Readonly<Record<string, unknown>>;
}

const dialects: Readonly<Record<string, Dialect>> = {
  "version 2": {
    options: {},
    wire: { version: 2, ttl: 255, tos: 0xc0, destination: "224.0.0.18" },
  },
  "version 2, PASS": {
    options: { authentication: { type: "PASS", password: "secret" } },
    wire: { version: 2, authenticationType: 1 },
  },
  "version 2, AH": {
    options: { authentication: { type: "AH", password: "secret" } },
    wire: { version: 2, authenticationType: 2, ttl: 255 },
  },
  "version 2, HMAC": {
    options: { authentication: { type: "HMAC", keys: [{ id: 7, key: KEY }] } },
    wire: { version: 2, authenticationType: 0 },
  },
  "version 3, 100 ms": { options: FAST, wire: { version: 3, advertIntervalMs: 100 } },
  "version 3, 10 ms": {
    options: { version: 3, advertInterval: "10ms" },
    wire: { version: 3, advertIntervalMs: 10 },
  },
  "version 3, checksum of the message": { options: { ...FAST, checksum: "message" }, wire: {} },
  "version 3, another group": {
    options: { ...FAST, multicast: { group: "239.1.2.3" } },
    wire: { destination: "239.1.2.3" },
  },
  "version 3, unicast": { options: { ...FAST, ...unicast }, wire: { version: 3 } },
  "version 3, unicast, HMAC": {
    options: { ...FAST, ...unicast, authentication: { type: "HMAC", keys: [{ id: 1, key: KEY }] } },
    wire: { version: 3 },
  },
  IPv6: {
    options: { ...FAST, ...V6 },
    virtual: "2001:db8::100",
    wire: { version: 3, family: "ipv6", destination: "ff02::12", ttl: 255 },
  },
  "IPv6, HMAC": {
    options: { ...FAST, ...V6, authentication: { type: "HMAC", keys: [{ id: 1, key: KEY }] } },
    virtual: "2001:db8::100",
    wire: { family: "ipv6" },
  },
  "IPv6, unicast": {
    options: { ...FAST, ...V6, unicast: { peers: ["fe80::1", "fe80::2"] } },
    virtual: "2001:db8::100",
    wire: { family: "ipv6" },
  },
  "version 3, virtual MAC": {
    options: { ...FAST, virtualMac: true },
    wire: { sourceMac: "00:00:5e:00:01:33" },
  },
  "version 3, virtual MAC, sent from the base": {
    options: { ...FAST, virtualMac: { sendFrom: "base" } },
    wire: { version: 3 },
  },
  "IPv6, virtual MAC": {
    options: { ...FAST, ...V6, virtualMac: true },
    virtual: "2001:db8::100",
    wire: { sourceMac: "00:00:5e:00:02:33" },
  },
};

for (const [name, { options, virtual = "10.0.0.100", wire: expected }] of Object.entries(
  dialects,
)) {
  test(`${name}: master, failover, failback, hand-over`, { skip }, () =>
    withCluster(async ({ wire, node }) => {
      const a = await node(1);
      const b = await node(2);
      const first = await a.start(configuration({ ...options, priority: 200 }));
      await first.entered("master", DEADLINE_MS);
      const second = await b.start(configuration({ ...options, priority: 100 }));
      await second.entered("backup", DEADLINE_MS);
      await a.holds(virtual);
      await b.lacks(virtual);
      const heard = async () =>
        (await second.status()).virtualRouters[0]?.counters.advertisementsReceived ?? 0;
      await waitFor("the backup to hear the master", async () => (await heard()) > 2, DEADLINE_MS);

      const seen = wire.advertisements(undefined, undefined).at(-1);
      assert.ok(seen !== undefined);
      for (const [field, value] of Object.entries(expected))
        assert.deepEqual(Reflect.get(seen, field), value, field);
      assert.equal((await second.status()).virtualRouters[0]?.state, "backup");
      assert.deepEqual((await second.status()).virtualRouters[0]?.drops, {});

      await a.host.killEverything();
      await second.entered("master", DEADLINE_MS);
      await b.holds(virtual);
      // The killed host's lease, or its next start, takes the address away.
      const again = await a.start(configuration({ ...options, priority: 200 }));
      await again.entered("master", DEADLINE_MS);
      await second.entered("backup", DEADLINE_MS);
      await b.lacks(virtual);

      const stoppedMs = now();
      await again.stop();
      await second.entered("master", DEADLINE_MS);
      await a.lacks(virtual);
      assert.ok(wire.advertisements(stoppedMs).some(({ priority }) => priority === 0));
      assert.equal((await second.stop()).code, 0);
      await assertClean(wire, options.checksum);
    }),
  );
}

/** What Wireshark thinks of all that was sent: it knows every dialect but the HMAC trailer. */
async function assertClean(wire: Capture, checksum: UserVirtualRouter["checksum"]): Promise<void> {
  if (tsharkMissing() !== undefined) return;
  const sent = wire.advertisements();
  const frames = sent.filter(({ trailer }) => trailer.length === 0).map(({ frame }) => frame);
  if (frames.length === 0) return;
  const style = checksum === "message" ? "message" : "pseudo-header";
  assert.deepEqual(await tsharkExperts(frames, style), []);
}

describe("what does not match", { skip }, () => {
  const pairs: Readonly<
    Record<string, readonly [Partial<UserVirtualRouter>, Partial<UserVirtualRouter>, string]>
  > = {
    "another key": [
      { ...FAST, authentication: { type: "HMAC", keys: [{ id: 1, key: KEY }] } },
      { ...FAST, authentication: { type: "HMAC", keys: [{ id: 1, key: KEY.replace("0", "1") }] } },
      "hmac wrong",
    ],
    "another AH password": [
      { authentication: { type: "AH", password: "one" } },
      { authentication: { type: "AH", password: "two" } },
      "authentication header wrong",
    ],
    "another interval, version 2": [
      { advertInterval: "1s" },
      { advertInterval: "2s" },
      "advertisement interval mismatch",
    ],
    "another version": [{ version: 2 }, { ...FAST }, "version mismatch"],
    "another list of addresses, refused": [
      { ...FAST, onAddressMismatch: "drop" },
      { ...FAST, onAddressMismatch: "drop", addresses: ["10.0.0.101/24"] },
      "address list mismatch",
    ],
    "a TTL below 255": [
      { ...FAST, multicast: { ttl: 254 } },
      { ...FAST, multicast: { ttl: 254 } },
      "ttl not 255",
    ],
    "a hop limit below 255": [
      { ...FAST, ...V6, multicast: { ttl: 64 } },
      { ...FAST, ...V6, multicast: { ttl: 64 } },
      "ttl not 255",
    ],
    "a stranger among peers": [
      {
        ...FAST,
        unicast: { peers: ["10.0.0.2"], onlyPeers: true },
        sourceAddress: "10.0.0.7",
      },
      {
        ...FAST,
        unicast: { peers: ["10.0.0.1"], onlyPeers: true },
        sourceAddress: "10.0.0.8",
      },
      "not from a peer",
    ],
  };
  for (const [name, [one, other, reason]] of Object.entries(pairs)) {
    test(`${name}: two masters, and each names the other and the reason`, () =>
      withCluster(async ({ node }) => {
        const a = await node(1);
        const b = await node(2);
        await a.host.run(["ip", "address", "add", "10.0.0.7/24", "dev", "ens33"]);
        await b.host.run(["ip", "address", "add", "10.0.0.8/24", "dev", "ens33"]);
        const first = await a.start(configuration({ ...one, priority: 200 }));
        const second = await b.start(configuration({ ...other, priority: 100 }));
        await first.entered("master", DEADLINE_MS);
        await second.entered("master", DEADLINE_MS);
        await logged(
          first,
          new RegExp(`advertises on our virtual router id 51 and is not believed: ${reason}`),
        );
        const [router] = (await first.status()).virtualRouters;
        assert.deepEqual(Object.keys(router?.drops ?? {}), [reason]);
        const [peer] = router?.peers ?? [];
        assert.equal(peer?.verdict, reason);
        assert.equal(peer?.priority, 100);
        assert.match(await first.statusText(), new RegExp(`also here: .*not believed: ${reason}`));
      }));
  }
});
