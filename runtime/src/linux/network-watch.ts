/** Tells when interfaces or addresses change (rtnetlink(7), multicast groups LINK, IPV4_IFADDR and IPV6_IFADDR). */
import { closeSync, read } from "node:fs";
import {
  NETLINK_NO_ENOBUFS,
  SOL_NETLINK,
  SOL_SOCKET,
  SO_RCVBUFFORCE,
  sendto,
  setsockopt,
  uint32,
} from "./libc.ts";
import type { NetlinkMessage } from "./netlink.ts";
import { netlinkAddress, openNetlinkDescriptor, parseNetlink } from "./netlink.ts";

const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const BUFFER_OCTETS = 64 * 1024;
const RECEIVE_BUFFER_OCTETS = 8 * 1024 * 1024;

export interface NetworkWatch {
  close(): void;
}

/**
 * Calls `onMessage` for each change. The descriptor is read by a thread of libuv's pool, since nothing in Node can wait for a
 * netlink socket; a burst that does not fit the kernel's buffer is cut, so the listener asks for the state, not for the changes.
 */
export function watchNetwork(onMessage: (message: NetlinkMessage) => void): NetworkWatch {
  // A port of its own, so that `close` can wake the reading thread by a message to it; netlink's own choice is the process id.
  const port = (process.pid | 0x4000_0000) >>> 0;
  const descriptor = openNetlinkDescriptor(
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
    port,
  );
  setsockopt(descriptor, SOL_NETLINK, NETLINK_NO_ENOBUFS, uint32(1), 4);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, uint32(RECEIVE_BUFFER_OCTETS), 4);
  const buffer = Buffer.alloc(BUFFER_OCTETS);
  let closed = false;

  function next(): void {
    read(descriptor, buffer, 0, buffer.length, null, (error, length) => {
      if (closed) return closeSync(descriptor);
      if (error === null)
        for (const message of parseNetlink(Uint8Array.prototype.slice.call(buffer, 0, length)))
          onMessage(message);
      next();
    });
  }
  next();
  // As with the timer: Node waits at its end for a thread that sleeps in read(2).
  process.once("exit", close);

  function close(): void {
    closed = true;
    sendto(descriptor, new Uint8Array(1), 1, 0, netlinkAddress(0, port), 12);
  }
  return {
    close() {
      process.off("exit", close);
      close();
    },
  };
}
