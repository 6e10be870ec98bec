/**
 * Whether a packet proves that its sender holds the key, and is no repetition of an earlier one: PASS (RFC 2338),
 * AH (RFC 4302) and the HMAC trailer of draft-cassen-vrrp-auth-hmac. The digests and the wall clock are handed in.
 */
import type { IpAddress } from "../packet/address.ts";
import { octetsOf } from "../packet/address.ts";
import { AH_ICV_OCTETS, ahInput, emitAh, parseAh } from "../packet/ah.ts";
import {
  TRAILER_MAC_OCTETS,
  emitTrailer,
  parseTrailer,
  signTrailer,
  trailerInput,
} from "../packet/hmac-trailer.ts";
import type { IpPacket } from "../packet/ip.ts";
import { PROTOCOL_VRRP } from "../packet/ip.ts";
import type { ReceivedAdvertisement } from "../packet/vrrp.ts";
import type { HmacAuthentication, Password, VirtualRouterConfig } from "./config.ts";
import type { AdmissionDropReason } from "./types.ts";

/** The digests that the protocol needs, from whoever has them. */
export interface Digests {
  hmacMd5(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
}

/** How far a sequence number may run ahead of the last: farther, and one packet could shut everybody else out. */
const AH_LEAP_MAX = 0xffff;
/** So many in a row from one sender make a leap credible: it was away for long, or we were. */
const AH_LEAPS_TO_BELIEVE = 3;
/** Senders to a group whose last sequence number is remembered. */
const MULTICAST_SENDERS = 4;
const SECOND_MS = 1000;
const SEQUENCE_BITS = 64;

/** What has to be remembered between packets, of one virtual router. */
export interface AuthenticationMemory {
  ahReceived: number | undefined;
  ahSent: number;
  ahLeap:
    | { readonly source: IpAddress; readonly sequence: number; readonly count: number }
    | undefined;
  hmacSent: bigint;
  /** By sender, the most recently heard last. */
  readonly hmacReceived: Map<IpAddress, bigint>;
}

export function createAuthenticationMemory(): AuthenticationMemory {
  return {
    ahReceived: undefined,
    ahSent: 0,
    ahLeap: undefined,
    hmacSent: 0n,
    hmacReceived: new Map(),
  };
}

/** @returns why it is not believed, or undefined. Memory changes only for what is believed. */
export function authenticate(
  config: VirtualRouterConfig,
  packet: IpPacket,
  received: ReceivedAdvertisement,
  memory: AuthenticationMemory,
  digests: Digests,
  unixMs: number,
): AdmissionDropReason | undefined {
  const { authentication } = config;
  const { advertisement, trailer } = received;
  if (authentication.type === "HMAC")
    return checkHmac(config, authentication, packet.source, received, memory, digests, unixMs);
  if (trailer !== undefined) return "hmac unexpected";
  if (advertisement.version === 3) return undefined;
  if (advertisement.authentication.type !== authentication.type)
    return "authentication type mismatch";
  if (advertisement.authentication.type === "PASS" && authentication.type === "PASS")
    return sameOctets(advertisement.authentication.password, authentication.password)
      ? undefined
      : "password mismatch";
  return authentication.type === "AH"
    ? checkAh(config, authentication.password, packet, memory, digests)
    : undefined;
}

/** An authentication header that is right for what follows it. `ipHeader` is complete but for its checksum. */
export function signAh(
  password: Password,
  source: IpAddress,
  ipHeader: Uint8Array,
  payload: Uint8Array,
  unicast: boolean,
  memory: AuthenticationMemory,
  digests: Digests,
): Uint8Array {
  // One sequence for all: who becomes master goes on where the last one stopped.
  memory.ahSent = (Math.max(memory.ahSent, memory.ahReceived ?? 0) + 1) >>> 0;
  const header = emitAh(PROTOCOL_VRRP, octetsOf(source), memory.ahSent);
  const body = Uint8Array.from([...header, ...payload]);
  const digest = digests.hmacMd5(Uint8Array.from(password), ahInput(ipHeader, body, unicast));
  body.set(digest.subarray(0, AH_ICV_OCTETS), header.length - AH_ICV_OCTETS);
  return body;
}

/** The trailer for an advertisement; undefined where we do not sign. */
export function signHmac(
  authentication: HmacAuthentication,
  source: IpAddress,
  encoded: Uint8Array,
  memory: AuthenticationMemory,
  digests: Digests,
  unixMs: number,
): Uint8Array | undefined {
  const key = authentication.keys.find((entry) => entry.id === authentication.activeKey);
  if (authentication.mode === "receive-only" || key === undefined) return undefined;
  const clock = sequenceAt(unixMs);
  const next = BigInt.asUintN(SEQUENCE_BITS, memory.hmacSent + 1n);
  const windowAhead = clock + (BigInt(authentication.timeWindowSeconds) << 32n);
  const startOver = authentication.antiReplay === "time" && memory.hmacSent > windowAhead;
  memory.hmacSent = startOver || clock > next ? clock : next;
  const trailer = emitTrailer(key.id, memory.hmacSent);
  signTrailer(
    trailer,
    digests.hmacSha256(Uint8Array.from(key.octets), trailerInput(source, encoded, trailer)),
  );
  return trailer;
}

function checkAh(
  config: VirtualRouterConfig,
  password: Password,
  packet: IpPacket,
  memory: AuthenticationMemory,
  digests: Digests,
): AdmissionDropReason | undefined {
  const header = parseAh(packet.payload);
  if (header === undefined || packet.header === undefined) return "authentication header malformed";
  const input = ahInput(packet.header, packet.payload, config.transport.type === "unicast");
  const digest = digests.hmacMd5(Uint8Array.from(password), input).subarray(0, AH_ICV_OCTETS);
  if (!sameOctets(digest, header.icv)) return "authentication header wrong";
  const { sequence } = header;
  const last = memory.ahReceived;
  if (last !== undefined) {
    const ahead = (sequence - last) | 0;
    if (ahead <= 0) return "authentication header replayed";
    if (ahead > AH_LEAP_MAX) {
      const before = memory.ahLeap;
      const goesOn = before?.source === packet.source && sequence === before.sequence + 1;
      const count = goesOn ? before.count + 1 : 1;
      memory.ahLeap = { source: packet.source, sequence, count };
      if (count < AH_LEAPS_TO_BELIEVE) return "authentication header too far ahead";
    }
  }
  memory.ahLeap = undefined;
  memory.ahReceived = sequence;
  return undefined;
}

function checkHmac(
  config: VirtualRouterConfig,
  authentication: HmacAuthentication,
  source: IpAddress,
  { trailer: bytes, message }: ReceivedAdvertisement,
  memory: AuthenticationMemory,
  digests: Digests,
  unixMs: number,
): AdmissionDropReason | undefined {
  if (bytes === undefined) return authentication.mode === "enforce" ? "hmac missing" : undefined;
  const trailer = parseTrailer(bytes);
  if (trailer === undefined) return "hmac malformed";
  const { antiReplay, timeWindowSeconds, keys } = authentication;
  if (antiReplay === "time" && !isFresh(trailer.sequence, unixMs, timeWindowSeconds))
    return "hmac stale";
  const key = keys.find((entry) => entry.id === trailer.keyId);
  if (key === undefined) return "hmac key unknown";
  const input = trailerInput(source, message, bytes);
  const digest = digests.hmacSha256(Uint8Array.from(key.octets), input);
  if (!sameOctets(digest.subarray(0, TRAILER_MAC_OCTETS), trailer.mac)) return "hmac wrong";

  const marks = memory.hmacReceived;
  const mark = marks.get(source);
  const counts =
    mark !== undefined && (antiReplay === "monotonic" || isFresh(mark, unixMs, timeWindowSeconds));
  if (counts && BigInt.asIntN(SEQUENCE_BITS, trailer.sequence - mark) <= 0n) return "hmac replayed";
  marks.delete(source);
  marks.set(source, trailer.sequence);
  const [oldest] = marks.keys();
  if (
    config.transport.type === "multicast" &&
    marks.size > MULTICAST_SENDERS &&
    oldest !== undefined
  )
    marks.delete(oldest);
  return undefined;
}

function isFresh(sequence: bigint, unixMs: number, windowSeconds: number): boolean {
  const seconds = Number(sequence >> 32n);
  return Math.abs(Math.floor(unixMs / SECOND_MS) - seconds) <= windowSeconds;
}

/** The clock as a sequence number with counter 0. */
function sequenceAt(unixMs: number): bigint {
  const seconds = Math.floor(unixMs / SECOND_MS);
  const fraction = Math.floor(((unixMs % SECOND_MS) / SECOND_MS) * 0x10000);
  return (BigInt(seconds) << 32n) | (BigInt(fraction) << 16n);
}

/** Takes the same time wherever the difference is. */
function sameOctets(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < Math.max(a.length, b.length); index++)
    difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}
