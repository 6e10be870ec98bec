/**
 * VRRP advertisements, bytes to meaning and back. Version 2 (RFC 3768 section 5.1; authentication of RFC 2338):
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |Version| Type  | Virtual Rtr ID|   Priority    | Count IP Addrs|
 *     |   Auth Type   |   Adver Int   |          Checksum             |
 *     |                 IP Address (1) ... (n)                        |
 *     |                 Authentication Data (8 octets)                |
 */
import type { Ipv4Address } from "./address.ts";
import { ipv4FromOctets, ipv4Octets } from "./address.ts";
import { internetChecksum } from "./checksum.ts";

/** The multicast group of VRRP over IPv4 (RFC 3768 section 5.2.2). */
export const VRRP_GROUP = "224.0.0.18" as Ipv4Address;
/** IP protocol number of VRRP. */
export const VRRP_PROTOCOL = 112;
/** What every advertisement is sent with and must arrive with: it has crossed no router (RFC 3768 section 5.2.3). */
export const VRRP_TTL = 255;

const TYPE_ADVERTISEMENT = 1;
const HEADER_OCTETS = 8;
const ADDRESS_OCTETS = 4;
const AUTHENTICATION_OCTETS = 8;
const AUTHENTICATION_NONE = 0;
const AUTHENTICATION_PASS = 1;

/** A VRRP version 2 advertisement. Version 3 will be a second member, told apart by `version`. */
export interface Advertisement {
  readonly version: 2;
  readonly virtualRouterId: number;
  /** 0..255; 0: the sender resigns. */
  readonly priority: number;
  /** Whole seconds on the wire in version 2. */
  readonly advertIntervalMs: number;
  readonly authentication:
    | { readonly type: "none" }
    | { readonly type: "PASS"; readonly password: readonly number[] };
  readonly addresses: readonly Ipv4Address[];
}

/** Why a packet is no advertisement; each is a counter. */
export type PacketDropReason =
  | "too short"
  | "ttl not 255"
  | "unsupported version"
  | "unknown type"
  | "invalid virtual router id"
  | "no address"
  | "length mismatch"
  | "invalid interval"
  | "unknown authentication type"
  | "bad checksum";

export type ParsedAdvertisement =
  | { readonly ok: true; readonly value: Advertisement }
  | { readonly ok: false; readonly reason: PacketDropReason };

/**
 * Reads the payload of an IP packet of protocol 112. Takes any bytes; never throws.
 *
 * @param ttl the IP header's, which is part of what makes an advertisement (section 7.1).
 */
export function parseAdvertisement(bytes: Uint8Array, ttl: number): ParsedAdvertisement {
  if (ttl !== VRRP_TTL) return drop("ttl not 255");
  if (bytes.length < HEADER_OCTETS) return drop("too short");
  const [
    versionAndType = 0,
    virtualRouterId = 0,
    priority = 0,
    count = 0,
    authenticationType = 0,
    intervalSeconds = 0,
  ] = bytes;
  if (versionAndType >>> 4 !== 2) return drop("unsupported version");
  if ((versionAndType & 0x0f) !== TYPE_ADVERTISEMENT) return drop("unknown type");
  if (virtualRouterId === 0) return drop("invalid virtual router id");
  if (count === 0) return drop("no address");
  const passwordAt = HEADER_OCTETS + count * ADDRESS_OCTETS;
  if (bytes.length !== passwordAt + AUTHENTICATION_OCTETS) return drop("length mismatch");
  if (internetChecksum(bytes) !== 0) return drop("bad checksum");
  if (authenticationType !== AUTHENTICATION_NONE && authenticationType !== AUTHENTICATION_PASS)
    return drop("unknown authentication type");
  if (intervalSeconds === 0) return drop("invalid interval");
  return {
    ok: true,
    value: {
      version: 2,
      virtualRouterId,
      priority,
      advertIntervalMs: intervalSeconds * 1000,
      authentication:
        authenticationType === AUTHENTICATION_PASS
          ? { type: "PASS", password: [...bytes.subarray(passwordAt)] }
          : { type: "none" },
      addresses: Array.from({ length: count }, (_, index) =>
        ipv4FromOctets(bytes, HEADER_OCTETS + index * ADDRESS_OCTETS),
      ),
    },
  };
}

/** The bytes of an advertisement, checksum included. Inverse of `parseAdvertisement`. */
export function emitAdvertisement(advertisement: Advertisement): Uint8Array {
  const { addresses, authentication } = advertisement;
  const passwordAt = HEADER_OCTETS + addresses.length * ADDRESS_OCTETS;
  const bytes = new Uint8Array(passwordAt + AUTHENTICATION_OCTETS);
  bytes[0] = (2 << 4) | TYPE_ADVERTISEMENT;
  bytes[1] = advertisement.virtualRouterId;
  bytes[2] = advertisement.priority;
  bytes[3] = addresses.length;
  bytes[4] = authentication.type === "PASS" ? AUTHENTICATION_PASS : AUTHENTICATION_NONE;
  bytes[5] = advertisement.advertIntervalMs / 1000;
  addresses.forEach((address, index) =>
    bytes.set(ipv4Octets(address), HEADER_OCTETS + index * ADDRESS_OCTETS),
  );
  if (authentication.type === "PASS") bytes.set(authentication.password, passwordAt);
  const checksum = internetChecksum(bytes);
  bytes[6] = checksum >>> 8;
  bytes[7] = checksum & 0xff;
  return bytes;
}

function drop(reason: PacketDropReason): ParsedAdvertisement {
  return { ok: false, reason };
}
