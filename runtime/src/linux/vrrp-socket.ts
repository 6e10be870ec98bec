/**
 * A raw socket of IP protocol 112 on one interface (raw(7), ip(7)): sends and receives VRRP over IPv4 multicast with
 * what the protocol demands of the header: TTL 255, the control class of service, no flag to forbid fragments.
 */
import { readdirSync, readlinkSync } from "node:fs";
import raw from "raw-socket";
import type { Ipv4Address } from "../packet/address.ts";
import { ipv4Octets } from "../packet/address.ts";
import { VRRP_GROUP, VRRP_PROTOCOL, VRRP_TTL } from "../packet/vrrp.ts";
import { FD_CLOEXEC, F_SETFD, fcntl } from "./libc.ts";

/** Precedence "internetwork control", as routing protocols send. */
const TYPE_OF_SERVICE = 0xc0;

const IPPROTO_IP = 0;
const IP_TOS = 1;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DONT = 0;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const SOL_SOCKET = 1;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;

export interface VrrpSocket {
  /** Sends one VRRP message to the group. @throws Error with the kernel's reason. */
  send(message: Uint8Array): void;
  close(): void;
}

/**
 * Opens the socket and joins the group.
 *
 * @param source the address to send from.
 * @param onPacket gets each packet with its IP header; the bytes are the receiver's to keep.
 * @throws Error when the kernel refuses.
 */
export function openVrrpSocket(options: {
  readonly interface: string;
  readonly index: number;
  readonly source: Ipv4Address;
  readonly onPacket: (packet: Uint8Array) => void;
  readonly onError: (reason: string) => void;
}): VrrpSocket {
  const before = new Set(socketDescriptors());
  const socket = raw.createSocket({
    protocol: VRRP_PROTOCOL,
    addressFamily: raw.AddressFamily.IPv4,
    bufferSize: 2048,
  });
  // raw-socket neither sets this nor tells the descriptor; a child process must not inherit it.
  for (const descriptor of socketDescriptors())
    if (!before.has(descriptor)) fcntl(descriptor, F_SETFD, FD_CLOEXEC);

  const device = Buffer.from(`${options.interface}\0`);
  const membership = Buffer.concat([
    ipv4Octets(VRRP_GROUP),
    ipv4Octets(options.source),
    int32(options.index),
  ]);
  socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, device, device.length);
  socket.setOption(SOL_SOCKET, SO_PRIORITY, 6);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
  socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, membership.length);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, membership, membership.length);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  socket.setOption(IPPROTO_IP, IP_MULTICAST_TTL, VRRP_TTL);
  socket.setOption(IPPROTO_IP, IP_TOS, TYPE_OF_SERVICE);
  socket.setOption(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  // One buffer receives them all: what is kept must be copied.
  socket.on("message", (packet: Buffer) =>
    options.onPacket(Uint8Array.prototype.slice.call(packet)),
  );
  socket.on("error", (error: Error) => options.onError(error.message));

  return {
    send(message) {
      // At once, not when the event loop comes round to it: the frames that follow depend on this order.
      socket.wrap.send(
        Buffer.from(message.buffer, message.byteOffset, message.length),
        0,
        message.length,
        VRRP_GROUP,
        () => undefined,
      );
    },
    close: () => void socket.close(),
  };
}

function socketDescriptors(): number[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith("socket:") ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
