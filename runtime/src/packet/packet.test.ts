import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { AddressFamily, IpAddress, Ipv4Address, Ipv6Address } from "./address.ts";
import {
  addressFromOctets,
  compareAddresses,
  isLinkLocal,
  isMulticast,
  octetsOf,
  parseAddress,
  parseIpv4,
  parseIpv6,
} from "./address.ts";
import { emitGratuitousArp } from "./arp.ts";
import { internetChecksum } from "./checksum.ts";
import { parseIpv4Packet } from "./ipv4.ts";
import { emitNeighbourAdvertisement } from "./ndisc.ts";
import type {
  Advertisement,
  ChecksumStyle,
  PacketDropReason,
  ParsedAdvertisement,
} from "./vrrp.ts";
import {
  VRRP_GROUP,
  VRRP_GROUP_IPV6,
  encodeAdvertisement,
  parseAdvertisement,
  sealAdvertisement,
} from "./vrrp.ts";

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

const SOURCE4 = "10.9.9.1" as Ipv4Address;
const SOURCE6 = "fe80::1" as Ipv6Address;

/** The payload of an advertisement to the group, and what a receiver makes of such a payload. */
function emit(sent: Advertisement, checksumStyle: ChecksumStyle = "message"): Uint8Array {
  return sealAdvertisement(encodeAdvertisement(sent), { ...pathOf(sent), checksumStyle });
}

function parse(payload: Uint8Array, family: AddressFamily = "ipv4"): ParsedAdvertisement {
  return parseAdvertisement({ ...path(family), payload });
}

function path(family: AddressFamily) {
  return family === "ipv4"
    ? { family, source: SOURCE4, destination: VRRP_GROUP }
    : { family, source: SOURCE6, destination: VRRP_GROUP_IPV6 };
}

function familyIn(sent: Advertisement): AddressFamily {
  return sent.addresses[0]?.includes(":") === true ? "ipv6" : "ipv4";
}

function pathOf(sent: Advertisement) {
  return path(familyIn(sent));
}

const common = {
  virtualRouterId: fc.integer({ min: 1, max: 255 }),
  priority: fc.integer({ min: 0, max: 255 }),
};
const ipv4 = fc.ipV4().map((text) => text as Ipv4Address);
const ipv6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((octets) => addressFromOctets("ipv6", octets));
const centiseconds = fc.integer({ min: 1, max: 4095 }).map((value) => value * 10);

const advertisementV2: fc.Arbitrary<Advertisement> = fc.record(
  {
    version: fc.constant(2 as const),
    ...common,
    advertIntervalMs: fc.integer({ min: 1, max: 255 }).map((seconds) => seconds * 1000),
    authentication: fc.oneof(
      fc.constant({ type: "none" as const }),
      fc.constant({ type: "AH" as const }),
      fc.record(
        {
          type: fc.constant("PASS" as const),
          password: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 8, maxLength: 8 }),
        },
        { noNullPrototype: true },
      ),
    ),
    addresses: fc.array(ipv4, { minLength: 1, maxLength: 255 }),
  },
  { noNullPrototype: true },
);
const advertisementV3: fc.Arbitrary<Advertisement> = fc.record(
  {
    version: fc.constant(3 as const),
    ...common,
    advertIntervalMs: centiseconds,
    addresses: fc.oneof(
      fc.array<IpAddress>(ipv4, { minLength: 1, maxLength: 255 }),
      fc.array<IpAddress>(ipv6, { minLength: 1, maxLength: 90 }),
    ),
  },
  { noNullPrototype: true },
);
const advertisement = fc.oneof(advertisementV2, advertisementV3);

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
      fc.property(
        fc.ipV4(),
        (text) => addressFromOctets("ipv4", octetsOf(text as Ipv4Address)) === text,
      ),
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

describe("IPv6 addresses", () => {
  test("are written as RFC 5952 wants them, whatever they were written like", () => {
    for (const [text, canonical] of [
      ["::", "::"],
      ["::1", "::1"],
      ["1::", "1::"],
      ["2001:0DB8::0001", "2001:db8::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["fe80:0:0:0:0:0:0:51", "fe80::51"],
      ["::ffff:192.0.2.1", "::ffff:c000:201"],
      ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ])
      assert.equal(parseIpv6(text ?? ""), canonical, text);
  });
  test("nothing else is one", () => {
    const texts =
      "| : | ::: | 1:2:3:4:5:6:7 | 1:2:3:4:5:6:7:8:9 | 1::2::3 | 12345:: | g:: | 1:2:3:4:5:6:7::8 | fe80::1%eth0 | ::1/64 | 1.2.3.4 | 192.0.2.1::";
    for (const text of ["", " ::1", ...texts.split("|").map((each) => each.trim())])
      assert.equal(parseIpv6(text), undefined, text);
  });
  test("text to octets to text is the same", () => {
    fc.assert(
      fc.property(ipv6, (address) => {
        assert.equal(parseAddress(address), address);
        assert.equal(addressFromOctets("ipv6", octetsOf(address)), address);
      }),
    );
  });
  test("what they are good for is in their first bits", () => {
    const of = (text: string) => parseAddress(text) ?? ("" as IpAddress);
    for (const text of ["fe80::1", "fe90::1", "febf::1"]) assert.ok(isLinkLocal(of(text)), text);
    for (const text of ["fec0::1", "2001:db8::1", "fe8::1"])
      assert.ok(!isLinkLocal(of(text)), text);
    for (const text of ["ff02::12", "224.0.0.18", "239.1.2.3"])
      assert.ok(isMulticast(of(text)), text);
    for (const text of ["fe80::1", "223.0.0.1", "240.0.0.1"])
      assert.ok(!isMulticast(of(text)), text);
  });
});

describe("keepalived's frames", () => {
  test("gratuitous ARP is emitted octet for octet", () => {
    const station = Uint8Array.of(2, 0, 0, 0, 9, 1);
    assert.deepEqual(
      emitGratuitousArp(station, "10.9.9.100" as Ipv4Address),
      frames.get("v2pass-gratuitous-arp-1"),
    );
  });
  test("so is the neighbour advertisement", () => {
    const station = Uint8Array.of(2, 0, 0, 0, 9, 1);
    for (const [index, address] of ["fe80::51", "2001:db8:9::100"].entries())
      assert.deepEqual(
        emitNeighbourAdvertisement(station, address as Ipv6Address, false),
        frames.get(`v6-neighbour-advertisement-${index + 1}`),
      );
  });
  test("the router flag is the first of the flags", () => {
    const frame = emitNeighbourAdvertisement(new Uint8Array(6), "fe80::51" as Ipv6Address, true);
    assert.equal(frame[14 + 40 + 4], 0xa0);
  });
});

describe("advertisements", () => {
  test("bytes to meaning is the inverse of meaning to bytes, in both checksum styles", () => {
    fc.assert(
      fc.property(
        advertisement,
        fc.constantFrom<ChecksumStyle>("message", "pseudo-header"),
        (sent, style) => {
          const payload = emit(sent, style);
          const parsed = parse(payload, familyIn(sent));
          assert.ok(parsed.ok);
          assert.deepEqual(parsed.value.advertisement, sent);
          assert.deepEqual(parsed.value.message, payload);
          assert.equal(parsed.value.trailer, undefined);
          if (sent.version === 2 || familyIn(sent) === "ipv6")
            assert.equal(parsed.value.checksumStyle, undefined);
        },
      ),
    );
  });

  test("any bytes are an advertisement or have a reason not to be one", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1200 }),
        fc.constantFrom<AddressFamily>("ipv4", "ipv6"),
        (bytes, family) => {
          const parsed = parse(bytes, family);
          if (parsed.ok) assert.equal(parsed.value.message.length <= bytes.length, true);
          parseIpv4Packet(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("one changed bit is noticed", () => {
    fc.assert(
      fc.property(
        advertisement,
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (sent, position, bit) => {
          const bytes = emit(sent);
          const index = position % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          const parsed = parse(bytes, familyIn(sent));
          // Over IPv4 another single bit can, once in a while, make the other style of checksum right.
          assert.ok(!parsed.ok || parsed.value.checksumStyle === "pseudo-header");
        },
      ),
    );
  });

  const v2: Advertisement = {
    version: 2,
    virtualRouterId: 51,
    priority: 100,
    advertIntervalMs: 1000,
    authentication: { type: "none" },
    addresses: ["192.0.2.1" as Ipv4Address],
  };
  const v3: Advertisement = {
    version: 3,
    virtualRouterId: 51,
    priority: 100,
    advertIntervalMs: 1000,
    addresses: ["192.0.2.1" as Ipv4Address],
  };
  const v6: Advertisement = { ...v3, addresses: ["fe80::51" as Ipv6Address] };

  /** An advertisement with an octet changed and the checksum right again. */
  function changed(sent: Advertisement, index: number, octet: number): Uint8Array {
    const bytes = encodeAdvertisement(sent);
    bytes[index] = octet;
    return sealAdvertisement(bytes, { ...pathOf(sent), checksumStyle: "message" });
  }
  function broken(sent: Advertisement): Uint8Array {
    return Uint8Array.from(emit(sent), (octet, index) => (index === 7 ? octet ^ 1 : octet));
  }
  const dropped: readonly (readonly [PacketDropReason, Uint8Array, AddressFamily])[] = [
    ["too short", emit(v2).subarray(0, 7), "ipv4"],
    ["unsupported version", changed(v2, 0, 0x11), "ipv4"],
    ["unsupported version", changed(v3, 0, 0x41), "ipv4"],
    ["unsupported version", emit(v2), "ipv6"],
    ["unknown type", changed(v2, 0, 0x22), "ipv4"],
    ["unknown type", changed(v6, 0, 0x32), "ipv6"],
    ["invalid virtual router id", changed(v2, 1, 0), "ipv4"],
    ["no address", changed(v2, 3, 0), "ipv4"],
    ["no address", changed(v3, 3, 0), "ipv4"],
    ["length mismatch", changed(v2, 3, 2), "ipv4"],
    ["length mismatch", changed(v3, 3, 2), "ipv4"],
    ["length mismatch", Uint8Array.from([...emit(v2), 0]), "ipv4"],
    ["length mismatch", emit(v2).subarray(0, 19), "ipv4"],
    ["length mismatch", Uint8Array.from([...emit(v6), ...new Uint8Array(27)]), "ipv6"],
    ["bad checksum", broken(v2), "ipv4"],
    ["bad checksum", broken(v3), "ipv4"],
    ["bad checksum", broken(v6), "ipv6"],
    ["unknown authentication type", changed(v2, 4, 3), "ipv4"],
    ["invalid interval", changed(v2, 5, 0), "ipv4"],
    ["invalid interval", changed(v3, 5, 0), "ipv4"],
    ["invalid interval", changed(v6, 5, 0), "ipv6"],
  ];
  for (const [index, [reason, bytes, family]] of dropped.entries()) {
    test(`dropped (${index + 1}): ${reason}, ${family}`, () =>
      assert.deepEqual(parse(bytes, family), { ok: false, reason }));
  }

  test("version 3: the reserved bits are zero when sent and do not count when received", () => {
    assert.equal((emit({ ...v3, advertIntervalMs: 40_950 })[4] ?? 0) >>> 4, 0);
    const interval = encodeAdvertisement(v3)[4] ?? 0;
    const parsed = parse(changed(v3, 4, interval | 0xf0));
    assert.ok(parsed.ok);
    assert.equal(parsed.value.advertisement.advertIntervalMs, 1000);
  });

  test("version 3 over IPv4: both checksum styles are right, and told apart", () => {
    for (const style of ["message", "pseudo-header"] as const) {
      const parsed = parse(emit(v3, style));
      assert.ok(parsed.ok);
      assert.equal(parsed.value.checksumStyle, style);
    }
    assert.notDeepEqual(emit(v3, "message"), emit(v3, "pseudo-header"));
    assert.deepEqual(emit(v2, "message"), emit(v2, "pseudo-header"), "version 2 has one style");
    assert.deepEqual(emit(v6, "message"), emit(v6, "pseudo-header"), "so has IPv6");
  });

  test("28 octets behind an advertisement are its trailer; over IPv6 the checksum covers them", () => {
    const trailer = Uint8Array.from({ length: 28 }, (_, index) => index);
    for (const sent of [v2, v3, v6]) {
      const bytes = sealAdvertisement(
        encodeAdvertisement(sent),
        { ...pathOf(sent), checksumStyle: "message" },
        trailer,
      );
      const parsed = parse(bytes, familyIn(sent));
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.value.trailer, trailer);
      const covered = Uint8Array.from(bytes, (octet, index) =>
        index === bytes.length - 1 ? octet ^ 1 : octet,
      );
      assert.equal(parse(covered, familyIn(sent)).ok, sent !== v6);
    }
  });
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
