/**
 * Receives from a raw socket, many messages in one call of the kernel (recvmmsg(2)), and with what plain recv(2) does not
 * tell: the hop limit and the destination of an IPv6 packet (RFC 3542 section 6). The buffers are the kernel's to write
 * into, so they lie outside of JavaScript's heap.
 */
import koffi from "koffi";
import type { Ipv6Address } from "../packet/address.ts";
import { ipv6FromOctets } from "../packet/address.ts";

const libc = koffi.load("libc.so.6");
const recvmmsg = libc.func(
  "int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)",
) as (fd: number, messages: Uint8Array, count: number, flags: number, timeout: null) => number;

const MSG_DONTWAIT = 0x40;
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;
const NAME_OCTETS = 28;
const CONTROL_OCTETS = 128;
const IOVEC_OCTETS = 16;
/** struct mmsghdr (a struct msghdr and the length that came) and struct cmsghdr, of a machine of 64 bits. */
const MMSGHDR_OCTETS = 64;
const CMSGHDR_OCTETS = 16;

export interface ReceivedMessage {
  /** Overwritten by the next call: to be read before it. */
  readonly bytes: Uint8Array;
  /** IPv6 alone. */
  readonly ipv6:
    | {
        readonly source: Ipv6Address;
        readonly destination: Ipv6Address;
        readonly hopLimit: number;
      }
    | undefined;
}

export interface MessageReceiver {
  /** Hands over what there is now, up to `count` messages. @returns how many there were. */
  receive(descriptor: number, onMessage: (message: ReceivedMessage) => void): number;
}

/**
 * @param family what to read of the control messages.
 * @param count messages taken by one call.
 * @param octetsMax a longer message is cut.
 */
export function createMessageReceiver(
  family: "ipv4" | "ipv6",
  count: number,
  octetsMax: number,
): MessageReceiver {
  const [data, dataAt] = memory(count * octetsMax);
  const [names, namesAt] = memory(count * NAME_OCTETS);
  const [controls, controlsAt] = memory(count * CONTROL_OCTETS);
  const [vectors, vectorsAt] = memory(count * IOVEC_OCTETS);
  const headers = new DataView(new ArrayBuffer(count * MMSGHDR_OCTETS));
  const octets = new Uint8Array(headers.buffer);
  const vector = new DataView(vectors.buffer);
  for (let index = 0; index < count; index++) {
    const at = index * MMSGHDR_OCTETS;
    vector.setBigUint64(index * IOVEC_OCTETS, dataAt + BigInt(index * octetsMax), true);
    vector.setBigUint64(index * IOVEC_OCTETS + 8, BigInt(octetsMax), true);
    headers.setBigUint64(at, namesAt + BigInt(index * NAME_OCTETS), true);
    headers.setBigUint64(at + 16, vectorsAt + BigInt(index * IOVEC_OCTETS), true);
    headers.setBigUint64(at + 24, 1n, true);
    headers.setBigUint64(at + 32, controlsAt + BigInt(index * CONTROL_OCTETS), true);
  }

  return {
    receive(descriptor, onMessage) {
      for (let index = 0; index < count; index++) {
        // The kernel sets both lengths anew in each call.
        headers.setUint32(index * MMSGHDR_OCTETS + 8, NAME_OCTETS, true);
        headers.setUint32(index * MMSGHDR_OCTETS + 40, CONTROL_OCTETS, true);
      }
      const received = recvmmsg(descriptor, octets, count, MSG_DONTWAIT, null);
      for (let index = 0; index < received; index++) {
        const at = index * MMSGHDR_OCTETS;
        const length = headers.getUint32(at + 56, true);
        const bytes = data.subarray(index * octetsMax, index * octetsMax + length);
        if (family === "ipv4") onMessage({ bytes, ipv6: undefined });
        else {
          const controlLength = headers.getUint32(at + 40, true);
          const from = index * CONTROL_OCTETS;
          const told = parseControl(controls.subarray(from, from + controlLength));
          // sockaddr_in6: family, port, flow, address.
          const source = ipv6FromOctets(names, index * NAME_OCTETS + 8);
          onMessage({ bytes, ipv6: { source, ...told } });
        }
      }
      return Math.max(0, received);
    },
  };
}

function parseControl(control: Uint8Array): {
  readonly destination: Ipv6Address;
  readonly hopLimit: number;
} {
  const view = new DataView(control.buffer, control.byteOffset, control.length);
  let destination = "::" as Ipv6Address;
  let hopLimit = 0;
  for (let at = 0; at + CMSGHDR_OCTETS <= control.length;) {
    const size = view.getUint32(at, true);
    if (size < CMSGHDR_OCTETS || at + size > control.length) break;
    const type = view.getInt32(at + 12, true);
    if (view.getInt32(at + 8, true) === IPPROTO_IPV6) {
      if (type === IPV6_PKTINFO) destination = ipv6FromOctets(control, at + CMSGHDR_OCTETS);
      if (type === IPV6_HOPLIMIT) hopLimit = view.getInt32(at + CMSGHDR_OCTETS, true);
    }
    at += (size + 7) & ~7;
  }
  return { destination, hopLimit };
}

function memory(octets: number): [Uint8Array, bigint] {
  const pointer: unknown = koffi.alloc("uint8_t", octets);
  return [new Uint8Array(koffi.view(pointer, octets)), koffi.address(pointer)];
}
