/**
 * A netlink socket of the ROUTE family (linux/netlink.h, linux/rtnetlink.h), for requests: the kernel acts within
 * send(2) and its answer lies ready, so a request is a plain synchronous call.
 */
import { closeSync } from "node:fs";
import {
  AF_NETLINK,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVTIMEO,
  bind,
  lastError,
  recv,
  sendto,
  setsockopt,
  socket,
} from "./libc.ts";

const NETLINK_ROUTE = 0;
export const NLMSG_HEADER_OCTETS = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const BUFFER_OCTETS = 64 * 1024;
/** Never reached while the kernel lives: it has answered before send(2) returns. */
const ANSWER_SECONDS_MAX = 2;

export interface NetlinkMessage {
  readonly type: number;
  /** What follows the netlink header. */
  readonly payload: DataView;
}

/** `errno` is 0 when the kernel did as it was asked. */
export interface NetlinkAnswer {
  readonly errno: number;
  readonly messages: readonly NetlinkMessage[];
}

export interface NetlinkSocket {
  /** Asks for a change and waits for its acknowledgement. `flags` are those beyond NLM_F_REQUEST and NLM_F_ACK. */
  change(type: number, flags: number, payload: Uint8Array): NetlinkAnswer;
  /** Asks for every object of a kind. */
  dump(type: number, payload: Uint8Array): NetlinkAnswer;
  close(): void;
}

/** sockaddr_nl: family, port 0 (the kernel, or to let it choose), multicast groups. */
export function netlinkAddress(groups: number, port = 0): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(12));
  bytes.setUint16(0, AF_NETLINK, true);
  bytes.setUint32(4, port, true);
  bytes.setUint32(8, groups, true);
  return new Uint8Array(bytes.buffer);
}

/** @throws Error when the kernel gives no socket. */
export function openNetlinkDescriptor(groups: number, port = 0): number {
  const descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (descriptor < 0) throw new Error(`no netlink socket: ${lastError()}`);
  if (bind(descriptor, netlinkAddress(groups, port), 12) < 0)
    throw new Error(`netlink bind: ${lastError()}`);
  return descriptor;
}

/** Opens a socket for requests. @throws Error when the kernel gives none. */
export function openNetlink(): NetlinkSocket {
  const descriptor = openNetlinkDescriptor(0);
  const timeout = new BigInt64Array([BigInt(ANSWER_SECONDS_MAX), 0n]);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeout.buffer), 16);
  const kernel = netlinkAddress(0);
  const buffer = new Uint8Array(BUFFER_OCTETS);
  let sequence = 0;

  function request(type: number, flags: number, payload: Uint8Array): NetlinkAnswer {
    sequence = (sequence + 1) >>> 0;
    const message = new Uint8Array(NLMSG_HEADER_OCTETS + payload.length);
    const header = new DataView(message.buffer);
    header.setUint32(0, message.length, true);
    header.setUint16(4, type, true);
    header.setUint16(6, flags | NLM_F_REQUEST, true);
    header.setUint32(8, sequence, true);
    message.set(payload, NLMSG_HEADER_OCTETS);
    if (sendto(descriptor, message, message.length, 0, kernel, kernel.length) < 0)
      throw new Error(`netlink send: ${lastError()}`);
    const messages: NetlinkMessage[] = [];
    for (;;) {
      const length = recv(descriptor, buffer, buffer.length, 0);
      if (length < 0) throw new Error(`netlink receive: ${lastError()}`);
      // A copy: what is returned outlives the buffer.
      for (const answer of parseNetlink(buffer.slice(0, length), sequence)) {
        if (answer.type === NLMSG_DONE) return { errno: 0, messages };
        if (answer.type === NLMSG_ERROR)
          return { errno: -answer.payload.getInt32(0, true), messages };
        messages.push(answer);
      }
    }
  }

  return {
    change: (type, flags, payload) => request(type, flags | NLM_F_ACK, payload),
    dump: (type, payload) => request(type, NLM_F_DUMP, payload),
    close: () => closeSync(descriptor),
  };
}

/** The messages in a datagram from the kernel; of one sequence number only, if given. */
export function parseNetlink(bytes: Uint8Array, sequence?: number): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset + NLMSG_HEADER_OCTETS <= bytes.length;) {
    const length = view.getUint32(offset, true);
    if (length < NLMSG_HEADER_OCTETS || offset + length > bytes.length) break;
    if (sequence === undefined || view.getUint32(offset + 8, true) === sequence) {
      messages.push({
        type: view.getUint16(offset + 4, true),
        payload: new DataView(
          bytes.buffer,
          bytes.byteOffset + offset + NLMSG_HEADER_OCTETS,
          length - NLMSG_HEADER_OCTETS,
        ),
      });
    }
    offset += align(length);
  }
  return messages;
}

/** One attribute (struct rtattr) with its padding. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(4 + value.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** The attributes that follow the first `skip` octets of a payload, by type. */
export function parseAttributes(payload: DataView, skip: number): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  for (let offset = align(skip); offset + 4 <= payload.byteLength;) {
    const length = payload.getUint16(offset, true);
    if (length < 4 || offset + length > payload.byteLength) break;
    attributes.set(
      payload.getUint16(offset + 2, true) & 0x3fff,
      new Uint8Array(payload.buffer, payload.byteOffset + offset + 4, length - 4),
    );
    offset += align(length);
  }
  return attributes;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
