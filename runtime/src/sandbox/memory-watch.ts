/**
 * The memory of this process while plugins run in it. An isolate's own limit does not see what lies outside its heap, so
 * the process as a whole is watched, and whoever has run longest when it is too much is ended.
 */
import { openSync, readSync } from "node:fs";

const LOOK_MS = 20;
/** After so many looks it is somebody else's memory. */
const LOOKS_MAX = 15;
const PAGE_BYTES = 4096;

/** What the watch needs of an isolate. */
export interface Watched {
  /** When the slice that runs in it began. */
  insideSinceMs: number;
  dispose(cause: "memory"): void;
}

export interface MemoryWatch {
  /** A slice begins. While none runs there is nothing to watch. */
  enter(isolate: Watched): void;
  leave(isolate: Watched): void;
}

/**
 * @param limitBytes for this process's own memory: what it shares with others does not count.
 * @param own how much that is now.
 * @param onExceeded it is too much although nobody runs any more.
 */
export function createMemoryWatch(
  limitBytes: number,
  onExceeded: (bytes: number) => void,
  own: () => number = ownMemory,
): MemoryWatch {
  const inside = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;
  /** Looks since somebody was ended, while it is still too much; undefined: it is not. */
  let looks: number | undefined;

  function look(): void {
    timer = undefined;
    const bytes = own();
    if (bytes <= limitBytes) looks = undefined;
    // What was ended gives its memory back after a while; nobody else is blamed for it until then.
    else if (looks === undefined || ++looks > LOOKS_MAX) {
      const nowMs = performance.now();
      const [longest] = [...inside]
        .filter(({ insideSinceMs }) => nowMs - insideSinceMs >= LOOK_MS)
        .toSorted((a, b) => a.insideSinceMs - b.insideSinceMs);
      if (longest !== undefined) {
        inside.delete(longest);
        longest.dispose("memory");
      } else if (looks !== undefined) return onExceeded(bytes);
      looks = 0;
    }
    if (inside.size > 0 || looks !== undefined) timer = setTimeout(look, LOOK_MS);
  }

  return {
    enter(isolate) {
      inside.add(isolate);
      timer ??= setTimeout(look, LOOK_MS);
    },
    leave(isolate) {
      inside.delete(isolate);
      if (inside.size > 0 || looks !== undefined) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

let statm: number | undefined;
const buffer = Buffer.alloc(128);

/** Of this process, in bytes: resident and not of a file. */
export function ownMemory(): number {
  statm ??= openSync("/proc/self/statm", "r");
  const [, resident = 0, shared = 0] = buffer
    .toString("latin1", 0, readSync(statm, buffer, 0, buffer.length, 0))
    .split(" ")
    .map(Number);
  return (resident - shared) * PAGE_BYTES;
}
