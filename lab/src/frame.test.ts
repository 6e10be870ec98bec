import assert from "node:assert/strict";
import { test } from "node:test";
import type { Packet } from "./frame.ts";
import { decodeFrame } from "./frame.ts";
import { PCAP_FILE_HEADER, createPcapReader, pcapRecord } from "./pcap.ts";

const ETHERNET = "01005e00001200005e000133";
/** keepalived's, as captured: VRID 51, priority 254, PASS "1111", 10.9.9.100. */
const ADVERTISEMENT =
  "45c0002800010000ff70c7880a090901e00000122133fe01010169fa0a0909643131313100000000";

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

/** ARP with the sender's and the target's address in hex; sent to `destination`. */
function arp(destination: string, sender: string, target: string): Packet {
  const head = `${destination}02000000000108060001080006040001`;
  return decodeFrame(Buffer.from(`${head}020000000001${sender}ffffffffffff${target}`, "hex"), 0);
}
