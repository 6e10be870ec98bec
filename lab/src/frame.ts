/**
 * Ethernet frames of a capture as typed events: VRRP advertisements (RFC 3768 section 5.1) and ARP (RFC 826). Written
 * without the runtime's own decoder, so that the two check each other.
 */

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const PROTOCOL_VRRP = 112;
const ETHERNET_HEADER = 14;
const BROADCAST = "ff:ff:ff:ff:ff:ff";

interface Seen {
  /** Milliseconds of the lab's clock (`now()`). */
  readonly atMs: number;
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** The whole frame, from the Ethernet header on. */
  readonly frame: Buffer;
}

export interface AdvertisementPacket extends Seen {
  readonly type: "advertisement";
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly tos: number;
  readonly version: number;
  /** Virtual router identifier. */
  readonly id: number;
  readonly priority: number;
  readonly authenticationType: number;
  readonly advertIntervalSeconds: number;
  readonly addresses: readonly string[];
  /** The IP packet, without Ethernet's padding. */
  readonly packet: Buffer;
}

export interface ArpPacket extends Seen {
  readonly type: "arp";
  readonly operation: "request" | "reply";
  readonly senderMac: string;
  readonly senderAddress: string;
  readonly targetAddress: string;
  /** Tells everybody where an address is, and asks nobody. */
  readonly gratuitous: boolean;
}

export interface OtherPacket extends Seen {
  readonly type: "other";
}

export type Packet = AdvertisementPacket | ArpPacket | OtherPacket;

/** Anything that is not a whole advertisement or ARP packet is `other`. */
export function decodeFrame(frame: Buffer, atMs: number): Packet {
  const seen = { atMs, frame, sourceMac: mac(frame, 6), destinationMac: mac(frame, 0) };
  if (frame.length < ETHERNET_HEADER) return { type: "other", ...seen };
  const payload = frame.subarray(ETHERNET_HEADER);
  const decoded =
    frame.readUInt16BE(12) === ETHERTYPE_ARP
      ? decodeArp(payload, seen)
      : frame.readUInt16BE(12) === ETHERTYPE_IPV4
        ? decodeAdvertisement(payload, seen)
        : undefined;
  return decoded ?? { type: "other", ...seen };
}

function decodeAdvertisement(ip: Buffer, seen: Seen): AdvertisementPacket | undefined {
  if (ip.length < 20 || ip.readUInt8(9) !== PROTOCOL_VRRP) return undefined;
  const packet = ip.subarray(0, ip.readUInt16BE(2));
  const vrrp = packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
  if (vrrp.length < 8) return undefined;
  const count = vrrp.readUInt8(3);
  if (vrrp.length < 8 + 4 * count) return undefined;
  return {
    type: "advertisement",
    ...seen,
    source: ipv4(packet, 12),
    destination: ipv4(packet, 16),
    ttl: packet.readUInt8(8),
    tos: packet.readUInt8(1),
    version: vrrp.readUInt8(0) >> 4,
    id: vrrp.readUInt8(1),
    priority: vrrp.readUInt8(2),
    authenticationType: vrrp.readUInt8(4),
    advertIntervalSeconds: vrrp.readUInt8(5),
    addresses: Array.from({ length: count }, (_, index) => ipv4(vrrp, 8 + 4 * index)),
    packet,
  };
}

function decodeArp(arp: Buffer, seen: Seen): ArpPacket | undefined {
  if (arp.length < 28 || arp.readUInt16BE(2) !== ETHERTYPE_IPV4) return undefined;
  const senderAddress = ipv4(arp, 14);
  const targetAddress = ipv4(arp, 24);
  return {
    type: "arp",
    ...seen,
    operation: arp.readUInt16BE(6) === 1 ? "request" : "reply",
    senderMac: mac(arp, 8),
    senderAddress,
    targetAddress,
    gratuitous: senderAddress === targetAddress && seen.destinationMac === BROADCAST,
  };
}

function mac(bytes: Buffer, offset: number): string {
  return [...bytes.subarray(offset, offset + 6)]
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join(":");
}

function ipv4(bytes: Buffer, offset: number): string {
  return bytes.subarray(offset, offset + 4).join(".");
}
