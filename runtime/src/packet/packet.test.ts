import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Ipv4Address } from "./address.ts";
import { compareAddresses, ipv4FromOctets, ipv4Octets, parseIpv4 } from "./address.ts";
import { emitGratuitousArp } from "./arp.ts";
import { internetChecksum } from "./checksum.ts";
import { parseIpv4Packet } from "./ipv4.ts";
import type { Advertisement, PacketDropReason } from "./vrrp.ts";
import { emitAdvertisement, parseAdvertisement } from "./vrrp.ts";

const ETHERNET_OCTETS = 14;
const frames = new Map(
  readFileSync(new URL("../../test/packet/keepalived-2.2.7.hex", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, Uint8Array] => {
      const [name = "", hex = ""] = line.split(" ");
      return [name, Uint8Array.from(Buffer.from(hex, "hex"))];
    }),
);

const advertisement: fc.Arbitrary<Advertisement> = fc.record(
  {
    version: fc.constant(2 as const),
    virtualRouterId: fc.integer({ min: 1, max: 255 }),
    priority: fc.integer({ min: 0, max: 255 }),
    advertIntervalMs: fc.integer({ min: 1, max: 255 }).map((seconds) => seconds * 1000),
    authentication: fc.oneof(
      fc.constant({ type: "none" as const }),
      fc.record(
        {
          type: fc.constant("PASS" as const),
          password: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 8, maxLength: 8 }),
        },
        { noNullPrototype: true },
      ),
    ),
    addresses: fc.array(
      fc.ipV4().map((text) => text as Ipv4Address),
      { minLength: 1, maxLength: 255 },
    ),
  },
  { noNullPrototype: true },
);

describe("addresses", () => {
  test("only canonical dotted decimal is an address", () => {
    for (const text of ["0.0.0.0", "192.0.2.1", "255.255.255.255"])
      assert.equal(parseIpv4(text), text);
    for (const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "256.0.0.1",
      "01.2.3.4",
      "1.2.3.4 ",
      "1.2.3.-4",
      "0x1.2.3.4",
      "1..2.3",
      "::1",
    ]) {
      assert.equal(parseIpv4(text), undefined, text);
    }
  });
  test("octets and text are each other's inverse", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => ipv4FromOctets(ipv4Octets(text as Ipv4Address)) === text),
    );
  });
  test("they compare as unsigned numbers in network order", () => {
    const order = [
      "9.255.255.255",
      "10.0.0.2",
      "10.0.0.10",
      "127.0.0.1",
      "192.0.2.1",
      "255.0.0.0",
    ] as Ipv4Address[];
    assert.deepEqual(order.toReversed().toSorted(compareAddresses), order);
    assert.equal(compareAddresses("10.0.0.1" as Ipv4Address, "10.0.0.1" as Ipv4Address), 0);
  });
});

test("the checksum of RFC 1071's example, and of an odd number of octets", () => {
  assert.equal(
    internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)),
    0x220d,
  );
  assert.equal(internetChecksum(Uint8Array.of(0x01)), 0xfeff);
  // 0x1ffff: adding its carry carries once more.
  assert.equal(internetChecksum(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x00, 0x01)), 0xfffe);
});

describe("keepalived's frames", () => {
  test("every advertisement is read, and written again to the same octets", () => {
    const advertisements = [...frames].filter(([name]) => name.includes("advertisement"));
    assert.ok(advertisements.length >= 10);
    for (const [name, frame] of advertisements) {
      const ip = parseIpv4Packet(frame.subarray(ETHERNET_OCTETS));
      assert.ok(ip.ok, name);
      assert.deepEqual(
        { ...ip.value, payload: null },
        { source: "10.9.9.1", destination: "224.0.0.18", ttl: 255, protocol: 112, payload: null },
      );
      const parsed = parseAdvertisement(ip.value.payload, ip.value.ttl);
      assert.ok(parsed.ok, name);
      assert.equal(parsed.value.virtualRouterId, 51);
      assert.deepEqual(parsed.value.addresses, ["10.9.9.100"]);
      assert.equal(parsed.value.authentication.type, name.startsWith("v2pass") ? "PASS" : "none");
      assert.deepEqual(emitAdvertisement(parsed.value), ip.value.payload, name);
    }
  });
  test("gratuitous ARP is the same to the octet", () => {
    const station = Uint8Array.of(2, 0, 0, 0, 9, 1);
    assert.deepEqual(
      emitGratuitousArp(station, "10.9.9.100" as Ipv4Address),
      frames.get("v2pass-gratuitous-arp-1"),
    );
  });
});

describe("advertisements", () => {
  test("what is written is read back", () => {
    fc.assert(
      fc.property(advertisement, (value) => {
        assert.deepEqual(parseAdvertisement(emitAdvertisement(value), 255), { ok: true, value });
      }),
    );
  });

  test("any bytes are read without an exception, and only whole advertisements are accepted", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1200 }),
        fc.integer({ min: 0, max: 255 }),
        (bytes, ttl) => {
          const parsed = parseAdvertisement(bytes, ttl);
          if (parsed.ok) assert.deepEqual(emitAdvertisement(parsed.value), bytes);
          parseIpv4Packet(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("one changed bit makes another packet or none, never an exception", () => {
    fc.assert(
      fc.property(
        advertisement,
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (value, position, bit) => {
          const bytes = emitAdvertisement(value);
          const index = position % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          assert.equal(parseAdvertisement(bytes, 255).ok, false);
        },
      ),
    );
  });

  const good: Advertisement = {
    version: 2,
    virtualRouterId: 51,
    priority: 100,
    advertIntervalMs: 1000,
    authentication: { type: "none" },
    addresses: ["192.0.2.1" as Ipv4Address],
  };
  /** A good advertisement with an octet changed and the checksum right again. */
  function changed(index: number, octet: number): Uint8Array {
    const bytes = emitAdvertisement(good);
    bytes[index] = octet;
    bytes[6] = 0;
    bytes[7] = 0;
    const checksum = internetChecksum(bytes);
    bytes[6] = checksum >>> 8;
    bytes[7] = checksum & 0xff;
    return bytes;
  }
  const dropped: readonly (readonly [PacketDropReason, Uint8Array, number])[] = [
    ["ttl not 255", emitAdvertisement(good), 254],
    ["too short", emitAdvertisement(good).subarray(0, 7), 255],
    ["unsupported version", changed(0, 0x31), 255],
    ["unknown type", changed(0, 0x22), 255],
    ["invalid virtual router id", changed(1, 0), 255],
    ["no address", changed(3, 0), 255],
    ["length mismatch", changed(3, 2), 255],
    ["length mismatch", Uint8Array.from([...emitAdvertisement(good), 0]), 255],
    ["length mismatch", emitAdvertisement(good).subarray(0, 19), 255],
    [
      "bad checksum",
      Uint8Array.from(emitAdvertisement(good), (octet, index) => (index === 7 ? octet ^ 1 : octet)),
      255,
    ],
    ["unknown authentication type", changed(4, 2), 255],
    ["invalid interval", changed(5, 0), 255],
  ];
  for (const [reason, bytes, ttl] of dropped) {
    test(`dropped: ${reason}`, () =>
      assert.deepEqual(parseAdvertisement(bytes, ttl), { ok: false, reason }));
  }
});

describe("IPv4 packets", () => {
  const packet = (frames.get("v2none-advertisement-1") ?? new Uint8Array(0)).subarray(
    ETHERNET_OCTETS,
  );
  test("a link's padding behind the packet is no part of it", () => {
    const padded = parseIpv4Packet(Uint8Array.from([...packet, 0, 0, 0, 0, 0, 0]));
    assert.ok(padded.ok);
    assert.equal(padded.value.payload.length, 20);
  });
  test("dropped: no IPv4 header, a wrong length, a fragment", () => {
    const change = (index: number, octet: number): Uint8Array =>
      Uint8Array.from(packet, (old, at) => (at === index ? octet : old));
    assert.deepEqual(parseIpv4Packet(change(0, 0x65)), {
      ok: false,
      reason: "ip header malformed",
    });
    assert.deepEqual(parseIpv4Packet(change(0, 0x41)), {
      ok: false,
      reason: "ip header malformed",
    });
    assert.deepEqual(parseIpv4Packet(packet.subarray(0, 10)), {
      ok: false,
      reason: "ip header malformed",
    });
    assert.deepEqual(parseIpv4Packet(packet.subarray(0, 30)), {
      ok: false,
      reason: "ip length mismatch",
    });
    assert.deepEqual(parseIpv4Packet(change(3, 10)), { ok: false, reason: "ip length mismatch" });
    assert.deepEqual(parseIpv4Packet(change(6, 0x20)), { ok: false, reason: "ip fragment" });
    assert.deepEqual(parseIpv4Packet(change(7, 1)), { ok: false, reason: "ip fragment" });
  });
});
