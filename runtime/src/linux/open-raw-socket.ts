/** Opens a raw socket (raw(7)) by raw-socket, and finds the descriptor that this keeps to itself. */
import { readdirSync, readlinkSync } from "node:fs";
import raw from "raw-socket";
import type { AddressFamily } from "../packet/address.ts";
import { FD_CLOEXEC, F_SETFD, SOL_SOCKET, SO_PROTOCOL, fcntl, getsockopt, uint32 } from "./libc.ts";

export interface RawSocket {
  readonly socket: ReturnType<typeof raw.createSocket>;
  readonly descriptor: number;
}

/** @throws Error when the kernel refuses. */
export function openRawSocket(
  family: AddressFamily,
  protocol: number,
  packetOctetsMax: number,
): RawSocket {
  const before = new Set(sockets().values());
  const socket = raw.createSocket({
    protocol,
    addressFamily: family === "ipv4" ? raw.AddressFamily.IPv4 : raw.AddressFamily.IPv6,
    bufferSize: packetOctetsMax,
  });
  // Another thread, as one that resolves a name, may have opened a socket just now, but not one of this protocol.
  for (const [descriptor, link] of sockets()) {
    if (before.has(link) || protocolOf(descriptor) !== protocol) continue;
    // raw-socket does not set this; a child process must not inherit it.
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    return { socket, descriptor };
  }
  socket.close();
  throw new Error("the new socket has no descriptor");
}

/** By descriptor, the kernel's name for the socket: a number is used again, this is not. */
function sockets(): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      const link = readlinkSync(`/proc/self/fd/${name}`);
      if (link.startsWith("socket:")) found.set(Number(name), link);
    } catch {
      // It was closed meanwhile.
    }
  }
  return found;
}

function protocolOf(descriptor: number): number {
  const value = uint32(0);
  const failed = getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, value, uint32(value.length)) < 0;
  return failed ? -1 : new DataView(value.buffer).getUint32(0, true);
}
