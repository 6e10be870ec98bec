/**
 * Ethernet frames of a capture as typed events: VRRP advertisements of version 2 (RFC 3768 section 5.1) and version 3
 * (RFC 5798 section 5.1), ARP (RFC 826) and neighbour advertisements (RFC 4861 section 4.4). Written without the
 * runtime's own decoders, so that the two check each other.
 */
import type { AuthenticationHeader, Ip, IpFamily } from "./frame-ip.ts";
import { addressText, decodeIpv4, decodeIpv6 } from "./frame-ip.ts";

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_VRRP = 112;
const ETHERNET_HEADER = 14;
const VRRP_HEADER = 8;
/** Version 2 ends with them, also when it uses no authentication. */
const AUTHENTICATION_DATA = 8;
const NEIGHBOUR_ADVERTISEMENT = 136;
const NEIGHBOUR_ADVERTISEMENT_LENGTH = 24;
const OPTION_TARGET_LINK_LAYER = 2;
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
  readonly family: IpFamily;
  readonly source: string;
  readonly destination: string;
  /** IPv6: the hop limit. */
  readonly ttl: number;
  /** IPv6: the traffic class. */
  readonly tos: number;
  /** The authentication header before VRRP; undefined when there is none. Its digest is not checked. */
  readonly ah: AuthenticationHeader | undefined;
  readonly version: number;
  /** Virtual router identifier. */
  readonly id: number;
  readonly priority: number;
  /** Of version 2; version 3 has none, and it is 0. */
  readonly authenticationType: number;
  readonly advertIntervalMs: number;
  readonly addresses: readonly string[];
  /** The IP packet, without Ethernet's padding. */
  readonly packet: Buffer;
  /** What the IP packet has behind the advertisement; usually empty. */
  readonly trailer: Buffer;
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

/** Tells where an address is: unasked unless it is `solicited`. */
export interface NeighbourAdvertisementPacket extends Seen {
  readonly type: "neighbour-advertisement";
  readonly source: string;
  readonly destination: string;
  readonly hopLimit: number;
  /** The address it is about. */
  readonly target: string;
  readonly flags: {
    readonly router: boolean;
    readonly solicited: boolean;
    readonly override: boolean;
  };
  /** The MAC address that the target has; undefined when it does not say. */
  readonly linkLayer: string | undefined;
}

export interface OtherPacket extends Seen {
  readonly type: "other";
}

export type Packet = AdvertisementPacket | ArpPacket | NeighbourAdvertisementPacket | OtherPacket;

/** Anything that is not a whole advertisement, ARP packet or neighbour advertisement is `other`. */
export function decodeFrame(frame: Buffer, atMs: number): Packet {
  const seen = { atMs, frame, sourceMac: mac(frame, 6), destinationMac: mac(frame, 0) };
  return decodePayload(frame, seen) ?? { type: "other", ...seen };
}

function decodePayload(frame: Buffer, seen: Seen): Packet | undefined {
  if (frame.length < ETHERNET_HEADER) return undefined;
  const payload = frame.subarray(ETHERNET_HEADER);
  switch (frame.readUInt16BE(12)) {
    case ETHERTYPE_ARP:
      return decodeArp(payload, seen);
    case ETHERTYPE_IPV4:
      return decodeIp(decodeIpv4(payload), seen);
    case ETHERTYPE_IPV6:
      return decodeIp(decodeIpv6(payload), seen);
    default:
      return undefined;
  }
}

function decodeIp(ip: Ip | undefined, seen: Seen): Packet | undefined {
  if (ip?.protocol === PROTOCOL_VRRP) return decodeAdvertisement(ip, seen);
  if (ip?.protocol === PROTOCOL_ICMPV6 && ip.family === "ipv6") {
    return decodeNeighbourAdvertisement(ip, seen);
  }
  return undefined;
}

function decodeAdvertisement(ip: Ip, seen: Seen): AdvertisementPacket | undefined {
  const { family, source, destination, ttl, tos, ah, packet, payload: vrrp } = ip;
  if (vrrp.length < VRRP_HEADER) return undefined;
  const version = vrrp.readUInt8(0) >> 4;
  const count = vrrp.readUInt8(3);
  const addressLength = family === "ipv4" ? 4 : 16;
  const addressesEnd = VRRP_HEADER + addressLength * count;
  if (vrrp.length < addressesEnd) return undefined;
  return {
    type: "advertisement",
    ...seen,
    family,
    source,
    destination,
    ttl,
    tos,
    ah,
    version,
    id: vrrp.readUInt8(1),
    priority: vrrp.readUInt8(2),
    authenticationType: version === 3 ? 0 : vrrp.readUInt8(4),
    // Version 3: four reserved bits, then centiseconds.
    advertIntervalMs:
      version === 3 ? (vrrp.readUInt16BE(4) & 0x0fff) * 10 : vrrp.readUInt8(5) * 1000,
    addresses: Array.from({ length: count }, (_, index) =>
      addressText(family, vrrp, VRRP_HEADER + addressLength * index),
    ),
    packet,
    trailer: vrrp.subarray(version === 3 ? addressesEnd : addressesEnd + AUTHENTICATION_DATA),
  };
}

function decodeNeighbourAdvertisement(
  ip: Ip,
  seen: Seen,
): NeighbourAdvertisementPacket | undefined {
  const icmp = ip.payload;
  if (icmp.length < NEIGHBOUR_ADVERTISEMENT_LENGTH) return undefined;
  if (icmp.readUInt8(0) !== NEIGHBOUR_ADVERTISEMENT) return undefined;
  const flags = icmp.readUInt8(4);
  return {
    type: "neighbour-advertisement",
    ...seen,
    source: ip.source,
    destination: ip.destination,
    hopLimit: ip.ttl,
    target: addressText("ipv6", icmp, 8),
    flags: {
      router: (flags & 0x80) !== 0,
      solicited: (flags & 0x40) !== 0,
      override: (flags & 0x20) !== 0,
    },
    linkLayer: targetLinkLayer(icmp.subarray(NEIGHBOUR_ADVERTISEMENT_LENGTH)),
  };
}

/** Looks for the option among those of a neighbour advertisement: type, length in units of 8 octets, value. */
function targetLinkLayer(options: Buffer): string | undefined {
  for (let at = 0; at + 8 <= options.length; at += 8 * options.readUInt8(at + 1)) {
    if (options.readUInt8(at + 1) === 0) return undefined;
    if (options.readUInt8(at) === OPTION_TARGET_LINK_LAYER) return mac(options, at + 2);
  }
  return undefined;
}

function decodeArp(arp: Buffer, seen: Seen): ArpPacket | undefined {
  if (arp.length < 28 || arp.readUInt16BE(2) !== ETHERTYPE_IPV4) return undefined;
  const senderAddress = addressText("ipv4", arp, 14);
  const targetAddress = addressText("ipv4", arp, 24);
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
