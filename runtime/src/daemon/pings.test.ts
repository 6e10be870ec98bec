import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Permissions } from "../sandbox/protocol.ts";
import { NOTHING } from "../plugins/manifest.ts";
import { createPings } from "./pings.ts";

const { signal } = new AbortController();
const request = { type: "ping", timeoutMs: 200, size: 56 } as const;

function grant(...ping: readonly string[]): Permissions {
  return {
    ...NOTHING,
    ping,
  };
}

/** Pings whose names all lead to this address, and whose pinger tells where it was sent. */
function pingsTo(...addresses: readonly string[]) {
  const pinged: string[] = [];
  const pings = createPings(
    async () => addresses.map((address) => ({ address })),
    async () => ({
      async ping({ address }) {
        pinged.push(address);
        return { address, ttl: 64, timeMs: 1 };
      },
      close: () => undefined,
    }),
  );
  return { pings, pinged };
}

describe("pings of plugins", () => {
  test("a granted address is pinged, any other is not", async () => {
    const { pings, pinged } = pingsTo();
    const granted = grant("192.0.2.1", "127.0.0.1");
    for (const host of ["192.0.2.1", "127.0.0.1"])
      assert.equal((await pings.perform("a", granted, { ...request, host }, signal)).address, host);
    for (const host of ["192.0.2.2", "192.0.2.1 ", "", "gateway.example.com"])
      await assert.rejects(
        pings.perform("a", granted, { ...request, host }, signal),
        /not granted: permissions\.ping does not list/,
      );
    assert.deepEqual(pinged, ["192.0.2.1", "127.0.0.1"]);
  });

  test("a granted name is resolved here, and leads neither to this host nor to odd addresses", async () => {
    const host = "gateway.example.com";
    const { pings, pinged } = pingsTo("127.0.0.1", "169.254.169.254", "192.0.2.7");
    await pings.perform("a", grant("Gateway.Example.com"), { ...request, host }, signal);
    assert.deepEqual(pinged, ["192.0.2.7"]);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "224.0.0.1"])
      await assert.rejects(
        pingsTo(address).pings.perform("a", grant(host), { ...request, host }, signal),
        /not permitted: gateway\.example\.com leads to .*, which a name may not lead to/,
      );
    const both = pingsTo("127.0.0.1");
    await both.pings.perform("a", grant(host, "127.0.0.1"), { ...request, host }, signal);
    const local = { ...request, host: "localhost" };
    await both.pings.perform("a", grant("localhost"), local, signal);
    assert.deepEqual(both.pinged, ["127.0.0.1", "127.0.0.1"]);
  });

  test("a plugin pings 50 times a second at most, whatever others do", async () => {
    const { pings } = pingsTo();
    const one = (plugin: string) =>
      pings.perform(plugin, grant("192.0.2.1"), { ...request, host: "192.0.2.1" }, signal);
    for (let count = 0; count < 50; count++) await one("a");
    await assert.rejects(one("a"), /^Error: ping: more than 50 in a second$/);
    await one("b");
  });

  test("a slow DNS holds nobody longer than asked, and few threads", async () => {
    let lookups = 0;
    const pings = createPings(
      () => new Promise(() => lookups++),
      () => assert.fail("nothing to ping"),
    );
    const hosts = ["a.example", "b.example", "c.example"];
    const ping = (host: string, given: AbortSignal = signal) =>
      pings.perform("a", grant(...hosts), { ...request, host }, given);
    const settled = await Promise.allSettled([
      ping("a.example"),
      ping("A.example"),
      ping("b.example"),
      ping("c.example"),
    ]);
    assert.deepEqual(
      settled.map((each) => (each.status === "rejected" ? (each.reason as Error).message : "")),
      [
        "ping: a.example: a.example was not resolved within 200 ms",
        "ping: A.example: A.example was not resolved within 200 ms",
        "ping: b.example: b.example was not resolved within 200 ms",
        "ping: c.example: the DNS is slow: 2 names are being resolved already",
      ],
    );
    assert.equal(lookups, 2);
    await assert.rejects(ping("a.example", AbortSignal.abort()), /it was given up/);
  });
});
