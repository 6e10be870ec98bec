/**
 * A timer of the kernel (timerfd_create(2), CLOCK_MONOTONIC): it fires within some tens of microseconds of its deadline, where
 * setTimeout counts whole milliseconds. A thread of libuv's pool waits for it in read(2).
 */
import { closeSync, read } from "node:fs";
import { CLOCK_MONOTONIC, TFD_CLOEXEC, lastError, timerfdCreate, timerfdSettime } from "./libc.ts";

/** The shortest time: zero would disarm the timer. */
const NANOSECONDS_MIN = 1;
const NANOSECONDS_PER_SECOND = 1_000_000_000;
/** struct itimerspec: interval (none: it fires once) and value, each seconds and nanoseconds. */
const ITIMERSPEC_OCTETS = 32;

export interface Timer {
  /** Fires in `delayMs` (at once when that is not positive), in place of what was armed before. */
  arm(delayMs: number): void;
  disarm(): void;
  close(): void;
}

/** @throws Error when the kernel gives no timer. */
export function createTimer(onExpiry: () => void): Timer {
  const descriptor = timerfdCreate(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (descriptor < 0) throw new Error(`no timer: ${lastError()}`);
  const setting = new DataView(new ArrayBuffer(ITIMERSPEC_OCTETS));
  const octets = new Uint8Array(setting.buffer);
  const expirations = Buffer.alloc(8);
  let closed = false;

  function set(nanoseconds: number): void {
    const seconds = Math.floor(nanoseconds / NANOSECONDS_PER_SECOND);
    setting.setBigInt64(16, BigInt(seconds), true);
    setting.setBigInt64(
      24,
      BigInt(Math.floor(nanoseconds - seconds * NANOSECONDS_PER_SECOND)),
      true,
    );
    timerfdSettime(descriptor, 0, octets, null);
  }
  function next(): void {
    read(descriptor, expirations, 0, expirations.length, null, () => {
      if (closed) return closeSync(descriptor);
      next();
      onExpiry();
    });
  }
  next();
  // Node waits at its end for the pool's threads: one that sleeps in read(2) would keep a crashed process for ever.
  process.once("exit", close);

  function close(): void {
    closed = true;
    set(NANOSECONDS_MIN);
  }
  return {
    arm: (delayMs) => set(Math.max(NANOSECONDS_MIN, delayMs * 1e6)),
    disarm: () => set(0),
    close() {
      process.off("exit", close);
      close();
    },
  };
}
