/**
 * ICMP echo (RFC 792; RFC 4443 section 4), and the errors that may come in place of a reply: both families have the same
 * layout with other numbers.
 *
 *     echo:   type | code | checksum | identifier | sequence | data
 *     error:  type | code | checksum | unused, 4 octets | the header of the packet that caused it | as much of it as fits
 */
import type { AddressFamily, IpAddress } from "./address.ts";
import { addressFromOctets } from "./address.ts";
import { internetChecksum } from "./checksum.ts";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from "./ip.ts";
import { IPV4_HEADER_OCTETS } from "./ipv4.ts";
import { IPV6_HEADER_OCTETS } from "./ipv6.ts";

export const ICMP_HEADER_OCTETS = 8;

/** The numbers of each family. */
export const ICMP_TYPES = {
  ipv4: { request: 8, reply: 0, unreachable: 3, timeExceeded: 11 },
  ipv6: { request: 128, reply: 129, unreachable: 1, timeExceeded: 3 },
} as const;

export type IcmpMessage =
  /** `key` is identifier and sequence together. */
  | { readonly type: "reply"; readonly key: number; readonly data: Uint8Array }
  | {
      readonly type: "unreachable" | "time-exceeded";
      readonly key: number;
      /** Where the request was sent to, and the beginning of it, 8 octets at least. */
      readonly destination: IpAddress;
      readonly request: Uint8Array;
    };

/** An echo request. The checksum is there for IPv4 alone: of ICMPv6 the kernel fills it in. */
export function emitEchoRequest(family: AddressFamily, key: number, data: Uint8Array): Uint8Array {
  const message = new Uint8Array(ICMP_HEADER_OCTETS + data.length);
  const view = new DataView(message.buffer);
  message[0] = ICMP_TYPES[family].request;
  view.setUint32(4, key);
  message.set(data, ICMP_HEADER_OCTETS);
  if (family === "ipv4") view.setUint16(2, internetChecksum(message));
  return message;
}

/** Reads a reply, or an error about an echo request; undefined for anything else. */
export function parseIcmp(family: AddressFamily, message: Uint8Array): IcmpMessage | undefined {
  if (message.length < ICMP_HEADER_OCTETS) return undefined;
  const types = ICMP_TYPES[family];
  const type = message[0];
  const rest = message.subarray(ICMP_HEADER_OCTETS);
  if (type === types.reply) return { type: "reply", key: keyOf(message), data: rest };
  if (type !== types.unreachable && type !== types.timeExceeded) return undefined;
  const cause = family === "ipv4" ? requestInIpv4(rest) : requestInIpv6(rest);
  if (cause === undefined || cause.request[0] !== types.request) return undefined;
  const word = type === types.unreachable ? "unreachable" : "time-exceeded";
  return { type: word, key: keyOf(cause.request), ...cause };
}

/** The packet that an error quotes, cut off anywhere: its length says nothing. */
function requestInIpv4(packet: Uint8Array) {
  const header = ((packet[0] ?? 0) & 0x0f) * 4;
  if (header < IPV4_HEADER_OCTETS || packet[9] !== PROTOCOL_ICMP) return undefined;
  return quoted("ipv4", packet, header, 16);
}

function requestInIpv6(packet: Uint8Array) {
  if (packet[6] !== PROTOCOL_ICMPV6) return undefined;
  return quoted("ipv6", packet, IPV6_HEADER_OCTETS, 24);
}

function quoted(family: AddressFamily, packet: Uint8Array, header: number, destinationAt: number) {
  if (packet.length < header + ICMP_HEADER_OCTETS) return undefined;
  return {
    destination: addressFromOctets(family, packet, destinationAt),
    request: packet.subarray(header),
  };
}

function keyOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset, message.length).getUint32(4);
}
