/**
 * Tells when processes end: a pidfd for each (pidfd_open(2)), which is readable as soon as its process has ended, reaped or not. All of
 * them sit in one epoll(7), in whose epoll_wait(2) a thread of libuv's pool waits, so that one thread serves any number.
 */
import { closeSync, writeSync } from "node:fs";
import type { KoffiFunc } from "koffi";
import koffi from "koffi";
import { SOCK_CLOEXEC, lastError } from "./libc.ts";

const libc = koffi.load("libc.so.6");

/** The same number on every architecture; the C library has a function of the name only since glibc 2.36. */
const SYS_PIDFD_OPEN = 434;
const EPOLL_CLOEXEC = SOCK_CLOEXEC;
const EFD_CLOEXEC = SOCK_CLOEXEC;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 0x1;
const FOREVER = -1;
/** struct epoll_event: events and data, 32 and 64 bits; packed on x86-64 only. */
const DATA_OFFSET = process.arch === "x64" ? 4 : 8;
const EVENT_OCTETS = DATA_OFFSET + 8;
/** For one wait; what does not fit stays readable for the next. */
const EVENTS_MAX = 64;
/** The eventfd's data in the epoll; the tickets begin above it. */
const WAKE = 0;

const syscall = libc.func("int64_t syscall(int64_t number, int pid, uint32_t flags)") as (
  number: number,
  pid: number,
  flags: number,
) => number;
const epollCreate = libc.func("int epoll_create1(int flags)") as (flags: number) => number;
const epollCtl = libc.func(
  "int epoll_ctl(int epoll, int operation, int fd, const void *event)",
) as (epoll: number, operation: number, fd: number, event: Uint8Array) => number;
const epollWait = libc.func(
  "int epoll_wait(int epoll, void *events, int maxEvents, int timeout)",
) as KoffiFunc<(epoll: number, events: Uint8Array, maxEvents: number, timeout: number) => number>;
const eventfd = libc.func("int eventfd(uint32_t initial, int flags)") as (
  initial: number,
  flags: number,
) => number;

export interface DeathWatch {
  /**
   * `onDeath` will be called for that process once, unless it is removed before; also when it waits to be reaped already.
   *
   * @returns false when there is no such process, or the kernel gives no descriptor for it.
   */
  add(pid: number): boolean;
  remove(pid: number): void;
  /** Ends the thread too; with it go the last descriptors, as soon as it has woken. */
  close(): void;
}

interface Watched {
  readonly descriptor: number;
  /** Names this watch in the epoll, where the pid would not do: it may be another process's by the time that an event is read. */
  readonly ticket: number;
}

/**
 * Calls `onDeath` within about a millisecond of a process's end. Until `close` it keeps the process alive, and a thread of libuv's
 * pool (UV_THREADPOOL_SIZE, 4 unless told otherwise) occupied.
 *
 * @throws Error when the kernel gives no epoll.
 */
export function watchDeaths(onDeath: (pid: number) => void): DeathWatch {
  const epoll = epollCreate(EPOLL_CLOEXEC);
  if (epoll < 0) throw new Error(`no epoll: ${lastError()}`);
  const wake = eventfd(0, EFD_CLOEXEC);
  if (wake < 0 || epollCtl(epoll, EPOLL_CTL_ADD, wake, readable(WAKE)) < 0) {
    const reason = lastError();
    for (const descriptor of [wake, epoll]) if (descriptor >= 0) closeSync(descriptor);
    throw new Error(`no eventfd: ${reason}`);
  }
  const watched = new Map<number, Watched>();
  const pids = new Map<number, number>();
  const events = Buffer.alloc(EVENTS_MAX * EVENT_OCTETS);
  let ticket = WAKE;
  let closed = false;

  function next(): void {
    epollWait.async(epoll, events, EVENTS_MAX, FOREVER, (_error: unknown, count: number) => {
      // Only now: while the thread may still use the number, it must not become that of another file.
      if (closed) return [epoll, wake].forEach((descriptor) => closeSync(descriptor));
      // A count of -1 is EINTR: nothing else can go wrong here.
      const tickets = Array.from({ length: Math.max(0, count) }, (_, index) =>
        Number(events.readBigUInt64LE(index * EVENT_OCTETS + DATA_OFFSET)),
      );
      for (const ticket of tickets) {
        const pid = pids.get(ticket);
        // Removed in the meantime, by `onDeath` perhaps.
        if (pid === undefined) continue;
        remove(pid);
        onDeath(pid);
      }
      next();
    });
  }

  function remove(pid: number): void {
    const entry = watched.get(pid);
    if (entry === undefined) return;
    watched.delete(pid);
    pids.delete(entry.ticket);
    // A child that is being forked may hold a copy of the descriptor, and that would keep it in the epoll.
    epollCtl(epoll, EPOLL_CTL_DEL, entry.descriptor, readable(entry.ticket));
    closeSync(entry.descriptor);
  }

  function close(): void {
    if (closed) return;
    closed = true;
    process.off("exit", close);
    for (const pid of watched.keys()) remove(pid);
    writeSync(wake, new BigUint64Array([1n]));
  }

  next();
  // Node waits for the pool's threads when it exits, for whatever reason: it would wait for ever.
  process.once("exit", close);

  return {
    add(pid) {
      if (closed) return false;
      if (watched.has(pid)) return true;
      const descriptor = syscall(SYS_PIDFD_OPEN, pid, 0);
      if (descriptor < 0) return false;
      ticket++;
      if (epollCtl(epoll, EPOLL_CTL_ADD, descriptor, readable(ticket)) < 0) {
        closeSync(descriptor);
        return false;
      }
      watched.set(pid, { descriptor, ticket });
      pids.set(ticket, pid);
      return true;
    },
    remove,
    close,
  };
}

/** struct epoll_event: wait until it can be read. */
function readable(ticket: number): Uint8Array {
  const event = Buffer.alloc(EVENT_OCTETS);
  event.writeUInt32LE(EPOLLIN, 0);
  event.writeBigUInt64LE(BigInt(ticket), DATA_OFFSET);
  return event;
}
