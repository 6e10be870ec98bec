/**
 * Receives from a raw socket what plain recv(2) does not tell: the hop limit and the destination of an IPv6 packet
 * (recvmsg(2), RFC 3542 section 6). The buffers are the kernel's to write into, so they lie outside of JavaScript's heap.
 */
import koffi from "koffi";
import type { Ipv6Address } from "../packet/address.ts";
import { ipv6FromOctets } from "../packet/address.ts";

const libc = koffi.load("libc.so.6");
const recvmsg = libc.func("int64_t recvmsg(int fd, void *message, int flags)") as (
  fd: number,
  message: Uint8Array,
  flags: number,
) => number;

const MSG_DONTWAIT = 0x40;
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const IPV6_HOPLIMIT = 52;
const NAME_OCTETS = 28;
const CONTROL_OCTETS = 256;
/** struct msghdr and struct cmsghdr of a machine of 64 bits. */
const MSGHDR_OCTETS = 56;
const CMSGHDR_OCTETS = 16;

export interface ReceivedMessage {
  /** A copy. */
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
  /** The next message, or undefined when there is none now. A longer one than `octetsMax` is cut. */
  receive(descriptor: number): ReceivedMessage | undefined;
}

/** @param family what to read of the control messages. */
export function createMessageReceiver(family: "ipv4" | "ipv6", octetsMax: number): MessageReceiver {
  const [data, dataAt] = memory(octetsMax);
  const [name, nameAt] = memory(NAME_OCTETS);
  const [control, controlAt] = memory(CONTROL_OCTETS);
  const [iovec, iovecAt] = memory(16);
  const header = new DataView(new ArrayBuffer(MSGHDR_OCTETS));
  const vector = new DataView(iovec.buffer);
  vector.setBigUint64(0, dataAt, true);
  vector.setBigUint64(8, BigInt(octetsMax), true);
  header.setBigUint64(0, nameAt, true);
  header.setBigUint64(16, iovecAt, true);
  header.setBigUint64(24, 1n, true);
  header.setBigUint64(32, controlAt, true);
  const octets = new Uint8Array(header.buffer);

  return {
    receive(descriptor) {
      // Both lengths are set anew by each call.
      header.setUint32(8, NAME_OCTETS, true);
      header.setBigUint64(40, BigInt(CONTROL_OCTETS), true);
      const length = recvmsg(descriptor, octets, MSG_DONTWAIT);
      if (length < 0) return undefined;
      const bytes = data.slice(0, length);
      if (family === "ipv4") return { bytes, ipv6: undefined };
      const told = parseControl(control, Number(header.getBigUint64(40, true)));
      // sockaddr_in6: family, port, flow, address.
      return { bytes, ipv6: { source: ipv6FromOctets(name, 8), ...told } };
    },
  };
}

function parseControl(
  control: Uint8Array,
  length: number,
): { readonly destination: Ipv6Address; readonly hopLimit: number } {
  const view = new DataView(control.buffer, control.byteOffset, control.length);
  let destination = "::" as Ipv6Address;
  let hopLimit = 0;
  for (let at = 0; at + CMSGHDR_OCTETS <= length;) {
    const size = Number(view.getBigUint64(at, true));
    if (size < CMSGHDR_OCTETS) break;
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
