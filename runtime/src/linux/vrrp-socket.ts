/**
 * Raw sockets for VRRP on one interface (raw(7), ip(7), ipv6(7)). One kind receives a protocol of a family, another
 * sends whole packets, header included: what the protocol demands of the header is for whoever makes it.
 */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { octetsOf } from "../packet/address.ts";
import { SOL_SOCKET, SO_RCVBUF, SO_RCVBUFFORCE } from "./libc.ts";
import { openRawSocket } from "./open-raw-socket.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { createMessageReceiver } from "./received-message.ts";

const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
/** A socket of this protocol sends packets with their header and receives nothing. */
const IPPROTO_RAW = 255;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DONT = 0;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_LOOP = 34;
const IP_ADD_MEMBERSHIP = 35;
const IP_MULTICAST_ALL = 49;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_ADD_MEMBERSHIP = 20;
const IPV6_MULTICAST_ALL = 29;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVHOPLIMIT = 51;
const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
/** Room for a flood of a tenth of a second, which would otherwise push out what counts. */
const RECEIVE_BUFFER_OCTETS = 8 * 1024 * 1024;
/** TC_PRIO_INTERACTIVE: before everything else in the interface's queue. */
const QUEUE_PRIORITY = 6;

const PACKET_OCTETS_MAX = 2048;
/** Packets taken at a time: the timers come between, whatever arrives. */
const PACKETS_PER_TURN = 64;

interface Place {
  readonly interface: string;
  readonly index: number;
  readonly family: AddressFamily;
  readonly onError: (reason: string) => void;
}

export interface VrrpReceiver {
  close(): void;
}

export interface VrrpSender {
  /** Sends a whole packet. @throws Error with the kernel's reason. */
  send(packet: Uint8Array, destination: IpAddress): void;
  close(): void;
}

/**
 * Receives every packet of a protocol that reaches the interface: to the groups, and to the host itself.
 *
 * @param onMessage IPv4: the whole packet; IPv6: the payload and what the kernel says of its header.
 * @throws Error when the kernel refuses.
 */
export function openVrrpReceiver(
  options: Place & {
    readonly protocol: number;
    readonly groups: readonly IpAddress[];
    readonly onMessage: (message: ReceivedMessage) => void;
  },
): VrrpReceiver {
  const { socket, descriptor } = open(options, options.protocol);
  const index = int32(options.index);
  try {
    socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_OCTETS);
  } catch {
    // Not allowed in a user namespace: as much as the system's limit (rmem_max) gives.
    socket.setOption(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_OCTETS);
  }
  if (options.family === "ipv4") socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0);
  else {
    socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    socket.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    socket.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  }
  for (const group of options.groups) {
    // ip_mreqn: group, local address, interface; ipv6_mreq: group, interface.
    const request =
      options.family === "ipv4"
        ? Buffer.concat([octetsOf(group), int32(0), index])
        : Buffer.concat([octetsOf(group), index]);
    if (options.family === "ipv4")
      socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, request, request.length);
    else socket.setOption(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request, request.length);
  }
  const receiver = createMessageReceiver(options.family, PACKETS_PER_TURN, PACKET_OCTETS_MAX);
  // raw-socket's own reader shares one buffer among all packets and shows no hop limit.
  socket.wrap.removeAllListeners("recvReady");
  socket.wrap.on("recvReady", () => void receiver.receive(descriptor, options.onMessage));
  return { close: () => void socket.close() };
}

/** @throws Error when the kernel refuses. */
export function openVrrpSender(options: Place): VrrpSender {
  const { socket } = open(options, IPPROTO_RAW);
  const index = int32(options.index);
  socket.pauseRecv();
  socket.setOption(SOL_SOCKET, SO_PRIORITY, QUEUE_PRIORITY);
  if (options.family === "ipv4") {
    const request = Buffer.concat([int32(0), int32(0), index]);
    socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, request, request.length);
    socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    socket.setOption(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
  } else {
    socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_IF, options.index);
    socket.setOption(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  }
  return {
    send(packet, destination) {
      // At once, not when the event loop comes round to it: the frames that follow depend on this order.
      socket.wrap.send(
        Buffer.from(packet.buffer, packet.byteOffset, packet.length),
        0,
        packet.length,
        destination,
        () => undefined,
      );
    },
    close: () => void socket.close(),
  };
}

function open(place: Place, protocol: number) {
  const { socket, descriptor } = openRawSocket(place.family, protocol, PACKET_OCTETS_MAX);
  socket.on("error", (error: Error) => place.onError(error.message));
  const device = Buffer.from(`${place.interface}\0`);
  socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, device, device.length);
  return { socket, descriptor };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
