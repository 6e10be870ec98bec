/**
 * VRRP advertisements, bytes to meaning and back.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
 *     |   Auth Type   |   Adver Int   |          Checksum             |    version 2 (RFC 3768 section 5.1)
 *     |(rsvd) |     Max Adver Int     |          Checksum             |    version 3 (RFC 9568 section 5.2)
 *     |                    addresses (1) ... (n)                      |
 *     |        version 2: authentication data (8 octets)              |
 *     |        perhaps: authentication trailer (28 octets)            |
 */
import type { AddressFamily, IpAddress, Ipv4Address, Ipv6Address } from "./address.ts";
import { addressFromOctets, octetCount, octetsOf } from "./address.ts";
import { internetChecksum, pseudoHeader } from "./checksum.ts";
import { TRAILER_OCTETS } from "./hmac-trailer.ts";
import type { IpPacket } from "./ip.ts";
import { PROTOCOL_VRRP } from "./ip.ts";

/** The multicast groups of VRRP (RFC 9568 sections 5.1.1.2 and 5.1.2.2). */
export const VRRP_GROUP = "224.0.0.18" as Ipv4Address;
export const VRRP_GROUP_IPV6 = "ff02::12" as Ipv6Address;
/** What an advertisement to a group is sent with and must arrive with: it has crossed no router (section 5.1.1.3). */
export const VRRP_HOP_LIMIT = 255;
/** Octets of authentication data in version 2. */
export const PASSWORD_OCTETS = 8;

const TYPE_ADVERTISEMENT = 1;
const HEADER_OCTETS = 8;
const AUTHENTICATION_TYPES = ["none", "PASS", "AH"] as const;
/** The unit of version 3's interval, and its 12 bits. */
const CENTISECOND_MS = 10;
const INTERVAL_MASK = 0x0fff;

interface Common {
  readonly virtualRouterId: number;
  /** 0..255; 0: the sender resigns. */
  readonly priority: number;
  /** Version 2: whole seconds, up to 255. Version 3: multiples of 10 ms, up to 40,950. */
  readonly advertIntervalMs: number;
}

export interface AdvertisementV2 extends Common {
  readonly version: 2;
  readonly authentication:
    | { readonly type: "none" }
    /** Eight octets. */
    | { readonly type: "PASS"; readonly password: readonly number[] }
    /** An authentication header goes before the advertisement. */
    | { readonly type: "AH" };
  readonly addresses: readonly Ipv4Address[];
}

export interface AdvertisementV3 extends Common {
  readonly version: 3;
  /** All of one family, that of the packet. */
  readonly addresses: readonly IpAddress[];
}

export type Advertisement = AdvertisementV2 | AdvertisementV3;

/** What version 3 over IPv4 sums: the message alone (RFC 9568 section 5.2.8), or a pseudo-header first (keepalived, FRR). */
export type ChecksumStyle = "message" | "pseudo-header";

/** Why a packet is no advertisement; each is a counter. */
export type PacketDropReason =
  | "too short"
  | "unsupported version"
  | "unknown type"
  | "invalid virtual router id"
  | "no address"
  | "length mismatch"
  | "invalid interval"
  | "unknown authentication type"
  | "bad checksum";

export interface ReceivedAdvertisement {
  readonly advertisement: Advertisement;
  /** Undefined where there is only one: version 2, and IPv6. */
  readonly checksumStyle: ChecksumStyle | undefined;
  /** The octets of the advertisement without what follows. */
  readonly message: Uint8Array;
  readonly trailer: Uint8Array | undefined;
}

export type ParsedAdvertisement =
  | { readonly ok: true; readonly value: ReceivedAdvertisement }
  | { readonly ok: false; readonly reason: PacketDropReason };

/** Reads the payload of an IP packet, an authentication header taken off. Takes any bytes; never throws. */
export function parseAdvertisement(
  packet: Pick<IpPacket, "family" | "source" | "destination" | "payload">,
): ParsedAdvertisement {
  const { family, payload: bytes } = packet;
  if (bytes.length < HEADER_OCTETS) return drop("too short");
  const [versionAndType = 0, virtualRouterId = 0, priority = 0, count = 0, fifth = 0, sixth = 0] =
    bytes;
  const version = versionAndType >>> 4;
  if (version !== 3 && (version !== 2 || family !== "ipv4")) return drop("unsupported version");
  if ((versionAndType & 0x0f) !== TYPE_ADVERTISEMENT) return drop("unknown type");
  if (virtualRouterId === 0) return drop("invalid virtual router id");
  if (count === 0) return drop("no address");
  const passwordAt = HEADER_OCTETS + count * octetCount(family);
  const octets = passwordAt + (version === 2 ? PASSWORD_OCTETS : 0);
  if (bytes.length !== octets && bytes.length !== octets + TRAILER_OCTETS)
    return drop("length mismatch");
  const message = bytes.subarray(0, octets);
  const checksumStyle = checksumStyleOf(packet, version, message);
  if (checksumStyle === "wrong") return drop("bad checksum");
  const common = { virtualRouterId, priority };
  const received = {
    checksumStyle,
    message,
    trailer: bytes.length === octets ? undefined : bytes.subarray(octets),
  };
  if (version === 3) {
    const advertIntervalMs = (((fifth << 8) | sixth) & INTERVAL_MASK) * CENTISECOND_MS;
    if (advertIntervalMs === 0) return drop("invalid interval");
    const addresses = addressesOf(family, bytes, count);
    return {
      ok: true,
      value: { ...received, advertisement: { version, ...common, advertIntervalMs, addresses } },
    };
  }
  const type = AUTHENTICATION_TYPES[fifth];
  if (type === undefined) return drop("unknown authentication type");
  if (sixth === 0) return drop("invalid interval");
  return {
    ok: true,
    value: {
      ...received,
      advertisement: {
        version: 2,
        ...common,
        advertIntervalMs: sixth * 1000,
        authentication:
          type === "PASS" ? { type, password: [...bytes.subarray(passwordAt, octets)] } : { type },
        addresses: addressesOf("ipv4", bytes, count) as Ipv4Address[],
      },
    },
  };
}

/** The octets of an advertisement, its checksum left zero: `sealAdvertisement` is the next step. */
export function encodeAdvertisement(advertisement: Advertisement): Uint8Array {
  const addresses = advertisement.addresses.map(octetsOf);
  const passwordAt = HEADER_OCTETS + addresses.length * (addresses[0]?.length ?? 0);
  const v2 = advertisement.version === 2 ? advertisement : undefined;
  const bytes = new Uint8Array(passwordAt + (v2 === undefined ? 0 : PASSWORD_OCTETS));
  bytes[0] = (advertisement.version << 4) | TYPE_ADVERTISEMENT;
  bytes[1] = advertisement.virtualRouterId;
  bytes[2] = advertisement.priority;
  bytes[3] = addresses.length;
  addresses.forEach((octets, index) => bytes.set(octets, HEADER_OCTETS + index * octets.length));
  if (v2 === undefined) {
    const centiseconds = advertisement.advertIntervalMs / CENTISECOND_MS;
    bytes[4] = centiseconds >>> 8;
    bytes[5] = centiseconds & 0xff;
  } else {
    bytes[4] = AUTHENTICATION_TYPES.indexOf(v2.authentication.type);
    bytes[5] = v2.advertIntervalMs / 1000;
    if (v2.authentication.type === "PASS") bytes.set(v2.authentication.password, passwordAt);
  }
  return bytes;
}

/**
 * The whole payload: the advertisement with its checksum, and the trailer if there is one. Over IPv4 the checksum covers
 * the advertisement alone, over IPv6 the trailer too.
 */
export function sealAdvertisement(
  encoded: Uint8Array,
  path: {
    readonly family: AddressFamily;
    readonly source: IpAddress;
    readonly destination: IpAddress;
    readonly checksumStyle: ChecksumStyle;
  },
  trailer: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const bytes = new Uint8Array(encoded.length + trailer.length);
  bytes.set(encoded);
  bytes.set(trailer, encoded.length);
  const covered = path.family === "ipv6" ? bytes : bytes.subarray(0, encoded.length);
  const withPseudoHeader =
    path.family === "ipv6" ||
    ((encoded[0] ?? 0) >>> 4 === 3 && path.checksumStyle === "pseudo-header");
  const checksum = internetChecksum(
    covered,
    withPseudoHeader
      ? pseudoHeader(path.source, path.destination, PROTOCOL_VRRP, covered.length)
      : undefined,
  );
  bytes[6] = checksum >>> 8;
  bytes[7] = checksum & 0xff;
  return bytes;
}

function checksumStyleOf(
  packet: Pick<IpPacket, "family" | "source" | "destination" | "payload">,
  version: number,
  message: Uint8Array,
): ChecksumStyle | undefined | "wrong" {
  const { source, destination, payload } = packet;
  const pseudo = (length: number): Uint8Array =>
    pseudoHeader(source, destination, PROTOCOL_VRRP, length);
  if (packet.family === "ipv6")
    return internetChecksum(payload, pseudo(payload.length)) === 0 ? undefined : "wrong";
  if (version === 2) return internetChecksum(message) === 0 ? undefined : "wrong";
  if (internetChecksum(message) === 0) return "message";
  return internetChecksum(message, pseudo(message.length)) === 0 ? "pseudo-header" : "wrong";
}

function addressesOf(family: AddressFamily, bytes: Uint8Array, count: number): IpAddress[] {
  const octets = octetCount(family);
  return Array.from({ length: count }, (_, index) =>
    addressFromOctets(family, bytes, HEADER_OCTETS + index * octets),
  );
}

function drop(reason: PacketDropReason): ParsedAdvertisement {
  return { ok: false, reason };
}
