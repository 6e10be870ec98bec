/** A packet socket (packet(7)): sends whole Ethernet frames. */
import { closeSync } from "node:fs";
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW, lastError, sendto, socket } from "./libc.ts";

export interface PacketSocket {
  /** Sends a frame on the interface with this index. @throws Error with the kernel's reason. */
  send(index: number, frame: Uint8Array): void;
  close(): void;
}

/** @throws Error when the kernel gives no socket. */
export function openPacketSocket(): PacketSocket {
  // Protocol 0: it receives nothing.
  const descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new Error(`no packet socket: ${lastError()}`);
  // sockaddr_ll: family, protocol, interface index, hardware type, packet type, address length, address.
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  const octets = new Uint8Array(address.buffer);
  return {
    send(index, frame) {
      address.setInt32(4, index, true);
      if (sendto(descriptor, frame, frame.length, 0, octets, octets.length) < 0)
        throw new Error(lastError());
    },
    close: () => closeSync(descriptor),
  };
}
