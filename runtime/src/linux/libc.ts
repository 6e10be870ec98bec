/** The C library's functions that the rest of this room needs, by koffi: each a plain call of the kernel. */
import koffi from "koffi";

const libc = koffi.load("libc.so.6");

export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_RCVTIMEO = 20;
export const SO_RCVBUFFORCE = 33;
export const SO_PROTOCOL = 38;
export const SOL_NETLINK = 270;
export const NETLINK_NO_ENOBUFS = 5;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;

export const socket = libc.func("int socket(int domain, int type, int protocol)") as (
  domain: number,
  type: number,
  protocol: number,
) => number;
export const bind = libc.func("int bind(int fd, const void *address, uint32_t length)") as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number;
export const setsockopt = libc.func(
  "int setsockopt(int fd, int level, int option, const void *value, uint32_t length)",
) as (fd: number, level: number, option: number, value: Uint8Array, length: number) => number;
export const getsockopt = libc.func(
  "int getsockopt(int fd, int level, int option, void *value, void *length)",
) as (fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array) => number;
export const sendto = libc.func(
  "int64_t sendto(int fd, const void *bytes, uint64_t length, int flags, const void *address, uint32_t addressLength)",
) as (
  fd: number,
  bytes: Uint8Array,
  length: number,
  flags: number,
  address: Uint8Array,
  addressLength: number,
) => number;
export const recv = libc.func(
  "int64_t recv(int fd, _Out_ uint8_t *bytes, uint64_t length, int flags)",
) as (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
export const fcntl = libc.func("int fcntl(int fd, int command, int argument)") as (
  fd: number,
  command: number,
  argument: number,
) => number;
export const setScheduler = libc.func(
  "int sched_setscheduler(int thread, int policy, const void *parameter)",
) as (thread: number, policy: number, parameter: Uint8Array) => number;

export const CLOCK_MONOTONIC = 1;
export const TFD_CLOEXEC = SOCK_CLOEXEC;

export const timerfdCreate = libc.func("int timerfd_create(int clock, int flags)") as (
  clock: number,
  flags: number,
) => number;
export const timerfdSettime = libc.func(
  "int timerfd_settime(int fd, int flags, const void *value, void *old)",
) as (fd: number, flags: number, value: Uint8Array, old: null) => number;

/** The errno of the last call, as a name and a number: "EPERM (1)". */
export function lastError(): string {
  return describeErrno(koffi.errno());
}

/** As above, for an errno that the kernel answered. */
export function describeErrno(number: number): string {
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0];
  return name === undefined ? `errno ${number}` : `${name} (${number})`;
}

/** The four octets of a number as the kernel of this machine stores it. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
