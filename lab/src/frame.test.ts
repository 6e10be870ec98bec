import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdvertisementPacket, Packet } from "./frame.ts";
import { decodeFrame } from "./frame.ts";
import { PCAP_FILE_HEADER, createPcapReader, pcapRecord } from "./pcap.ts";

const ETHERNET = "01005e00001200005e000133";
/** keepalived's, as captured: VRID 51, priority 254, PASS "1111", 10.9.9.100. */
const ADVERTISEMENT =
  "45c0002800010000ff70c7880a090901e00000122133fe01010169fa0a0909643131313100000000";
/** Version 3, every 500 ms. */
const VERSION_3 =
  "01005e000012020000000901080045c0002000010000ff70c7900a090901e0000012" +
  "3133fe010032c9920a090964";
/** fe80::51 and 2001:db8:9::100. */
const VERSION_3_IPV6 =
  "33330000001202000000090186dd6c0692fc002870ff" +
  "fe80000000000000000000fffe000901ff020000000000000000000000000012" +
  "3133fe0200649ca2fe80000000000000000000000000005120010db8000900000000000000000100";
const VERSION_2_AH =
  "01005e000012020000000901080045c0004000010000ff33c7ad0a090901e0000012" +
  "700400000a090901000000018ed26bdcfaf657f21bc40af4" +
  "2133fe010201cb5c0a0909640000000000000000";
const NEIGHBOUR_ADVERTISEMENT =
  "33330000000102000000090186dd6000000000203aff" +
  "20010db8000900000000000000000100ff020000000000000000000000000001" +
  "8800ee1a2000000020010db80009000000000000000001000201020000000901";

test("an advertisement of keepalived is read, and Ethernet's padding is not part of it", () => {
  const padded = Buffer.from(`${ETHERNET}0800${ADVERTISEMENT}000000000000`, "hex");
  const packet = decodeFrame(padded, 7);
  assert.equal(packet.type, "advertisement");
  if (packet.type !== "advertisement") return;
  const { source, destination, ttl, tos, version, id, priority, addresses, atMs } = packet;
  assert.deepEqual(
    { source, destination, ttl, tos, version, id, priority, addresses, atMs },
    {
      source: "10.9.9.1",
      destination: "224.0.0.18",
      ttl: 255,
      tos: 0xc0,
      version: 2,
      id: 51,
      priority: 254,
      addresses: ["10.9.9.100"],
      atMs: 7,
    },
  );
  assert.equal(packet.packet.toString("hex"), ADVERTISEMENT);
});

test("version 3 counts in centiseconds, behind four reserved bits", () => {
  const packet = advertisement(VERSION_3);
  assert.equal(packet.family, "ipv4");
  assert.equal(packet.version, 3);
  assert.equal(packet.advertIntervalMs, 500);
  assert.equal(packet.authenticationType, 0);
  assert.equal(packet.ah, undefined);
  assert.deepEqual(packet.addresses, ["10.9.9.100"]);
  assert.equal(packet.trailer.length, 0);
  const reserved = advertisement(VERSION_3.replace("3133fe010032", "3133fe01ffff"));
  assert.equal(reserved.advertIntervalMs, 40_950);
});

test("version 2 counts in seconds, and ends with authentication data", () => {
  const packet = advertisement(`${ETHERNET}0800${ADVERTISEMENT}`);
  assert.equal(packet.advertIntervalMs, 1000);
  assert.equal(packet.authenticationType, 1);
  assert.equal(packet.trailer.length, 0);
});

test("what the IP packet has behind an advertisement is its trailer; padding is not", () => {
  const longer3 = VERSION_3.replace("45c00020", "45c00023");
  assert.equal(advertisement(`${longer3}aabbcc0000`).trailer.toString("hex"), "aabbcc");
  const longer2 = `${ETHERNET}0800${ADVERTISEMENT}`.replace("45c00028", "45c0002a");
  assert.equal(advertisement(`${longer2}aabb0000`).trailer.toString("hex"), "aabb");
  const longer6 = VERSION_3_IPV6.replace("002870ff", "002a70ff");
  assert.equal(advertisement(`${longer6}aabb0000`).trailer.toString("hex"), "aabb");
});

test("an advertisement over IPv6", () => {
  const packet = advertisement(`${VERSION_3_IPV6}0000`);
  const { family, source, destination, ttl, tos, version, id, priority, addresses } = packet;
  assert.deepEqual(
    { family, source, destination, ttl, tos, version, id, priority, addresses },
    {
      family: "ipv6",
      source: "fe80::ff:fe00:901",
      destination: "ff02::12",
      ttl: 255,
      tos: 0xc0,
      version: 3,
      id: 51,
      priority: 254,
      addresses: ["fe80::51", "2001:db8:9::100"],
    },
  );
  assert.equal(packet.advertIntervalMs, 1000);
  assert.equal(packet.trailer.length, 0);
  assert.equal(packet.packet.length, 40 + 40);
});

test("an advertisement behind an authentication header", () => {
  const packet = advertisement(VERSION_2_AH);
  assert.deepEqual(packet.ah, { sequence: 1 });
  assert.equal(packet.version, 2);
  assert.equal(packet.authenticationType, 2);
  assert.equal(packet.advertIntervalMs, 1000);
  assert.deepEqual(packet.addresses, ["10.9.9.100"]);
  assert.equal(packet.trailer.length, 0);
  assert.equal(packet.packet.length, 20 + 24 + 20);
  // With something else than VRRP in it, it is none of ours.
  const other = Buffer.from(VERSION_2_AH.replace("70040000", "06040000"), "hex");
  assert.equal(decodeFrame(other, 0).type, "other");
});

test("an unsolicited neighbour advertisement", () => {
  const packet = decodeFrame(Buffer.from(NEIGHBOUR_ADVERTISEMENT, "hex"), 7);
  assert.ok(packet.type === "neighbour-advertisement");
  const { type, source, destination, hopLimit, target, flags, linkLayer, atMs } = packet;
  assert.deepEqual(
    { type, source, destination, hopLimit, target, flags, linkLayer, atMs },
    {
      type: "neighbour-advertisement",
      source: "2001:db8:9::100",
      destination: "ff02::1",
      hopLimit: 255,
      target: "2001:db8:9::100",
      flags: { router: false, solicited: false, override: true },
      linkLayer: "02:00:00:00:09:01",
      atMs: 7,
    },
  );
});

test("a neighbour advertisement need not say a link-layer address", () => {
  const option = "0201020000000901";
  const withoutOption = NEIGHBOUR_ADVERTISEMENT.slice(0, -option.length);
  for (const hex of [
    withoutOption.replace("00203aff", "00183aff"),
    // The source's instead of the target's; a length of nothing, which must not be waited for.
    `${withoutOption}0101020000000901`,
    `${withoutOption}0200020000000901`,
  ]) {
    const packet = decodeFrame(Buffer.from(hex, "hex"), 0);
    assert.ok(packet.type === "neighbour-advertisement");
    assert.equal(packet.linkLayer, undefined);
  }
});

test("IPv6 addresses are written as RFC 5952 does", () => {
  const target = "20010db8000900000000000000000100";
  for (const [octets, text] of [
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["fe800000000000000000000000000000", "fe80::"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["00100000000000100100000000000abc", "10::10:100:0:0:abc"],
    ["ABCD0000100001000010000100020003", "abcd:0:1000:100:10:1:2:3"],
  ] as const) {
    const head = NEIGHBOUR_ADVERTISEMENT.slice(0, NEIGHBOUR_ADVERTISEMENT.lastIndexOf(target));
    const packet = decodeFrame(Buffer.from(`${head}${octets}0201020000000901`, "hex"), 0);
    assert.ok(packet.type === "neighbour-advertisement");
    assert.equal(packet.target, text);
  }
});

test("gratuitous ARP is told from a question", () => {
  const announcement = arp("ffffffffffff", "0a090964", "0a090964");
  const question = arp("ffffffffffff", "0a090902", "0a090964");
  assert.ok(announcement.type === "arp" && announcement.gratuitous);
  assert.equal(announcement.senderAddress, "10.9.9.100");
  assert.ok(question.type === "arp" && !question.gratuitous);
});

test("cut frames are no packets, and no error", () => {
  const whole = Buffer.from(`${ETHERNET}0800${ADVERTISEMENT}`, "hex");
  for (let length = 0; length < whole.length - 8; length++) {
    const packet = decodeFrame(whole.subarray(0, length), 0);
    assert.ok(packet.type !== "arp", `${length} octets`);
    if (length < 46) assert.equal(packet.type, "other", `${length} octets`);
  }
});

test("a cut or mutilated frame of any kind is no error", () => {
  const kinds = [VERSION_3, VERSION_3_IPV6, VERSION_2_AH, NEIGHBOUR_ADVERTISEMENT];
  for (const whole of kinds.map((hex) => Buffer.from(hex, "hex"))) {
    for (let length = 0; length < whole.length - 16; length++) {
      assert.equal(decodeFrame(whole.subarray(0, length), 0).type, "other", `${length} octets`);
    }
    for (let at = 12; at < whole.length; at++) {
      for (let value = 0; value < 256; value++) {
        const mutilated = Buffer.from(whole);
        mutilated.writeUInt8(value, at);
        decodeFrame(mutilated, 0);
      }
    }
  }
});

test("a capture is read record by record, however the stream is cut", () => {
  const stream = Buffer.concat([
    PCAP_FILE_HEADER,
    pcapRecord(Buffer.from("one"), 1000.5),
    pcapRecord(Buffer.from("three"), 2000),
  ]);
  for (let size = 1; size <= stream.length; size++) {
    const seen: [string, number][] = [];
    const read = createPcapReader((frame, wallMs) => seen.push([frame.toString(), wallMs]));
    for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
    assert.deepEqual(seen, [
      ["one", 1000.5],
      ["three", 2000],
    ]);
  }
});

test("a stream that is no capture is refused", () => {
  const read = createPcapReader(() => {});
  assert.throws(() => read(Buffer.alloc(24)), /expected a capture with nanoseconds/);
});

function advertisement(hex: string): AdvertisementPacket {
  const packet = decodeFrame(Buffer.from(hex, "hex"), 0);
  assert.ok(packet.type === "advertisement");
  return packet;
}

/** ARP with the sender's and the target's address in hex; sent to `destination`. */
function arp(destination: string, sender: string, target: string): Packet {
  const head = `${destination}02000000000108060001080006040001`;
  return decodeFrame(Buffer.from(`${head}020000000001${sender}ffffffffffff${target}`, "hex"), 0);
}
