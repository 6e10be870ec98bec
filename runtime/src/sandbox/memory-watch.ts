/**
 * What runs long in this process, and the process's memory meanwhile. An isolate's own limit does not see what lies outside
 * its heap, so the process as a whole is watched, and whoever has run longest when it is too much is ended. Who runs long is
 * told: should the kernel end this process, it is known whose doing it was.
 */
import { openOwnMemory } from "../own-memory.ts";
import { collect } from "./collect.ts";

const LOOK_MS = 10;
/** After so many looks it is somebody else's memory. */
const LOOKS_MAX = 30;
/** Whoever made the process grow by so much may be the one; others only happen to run when it is too much. */
const GROWTH_BYTES_MIN = 8 * 1024 * 1024;
/** How old the figure may be that growth is measured from. */
const BASELINE_MS_MAX = 1000;
/** It takes a while, and is not done more often than this. */
const RECLAIM_MS = 500;
/** Slices that begin between two looks. */
const MANY = 5;

/** What the watch needs of an isolate. */
export interface Watched {
  /** When the slice that runs in it began, and when it has to be over. */
  readonly insideSinceMs: number;
  readonly insideUntilMs: number;
  /** The plugin whose slice it is. */
  occupant: string;
  /** Called once for a slice that runs long. */
  onLong(): void;
  /** Called for a slice that is not over in time, until it is. */
  onOverdue(): void;
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
 * @param onLong the plugins that run long now, whenever these become others.
 */
export function createMemoryWatch(
  limitBytes: number,
  onExceeded: (bytes: number) => void,
  onLong: (plugins: readonly string[]) => void,
  own: () => number = openOwnMemory("self").bytes,
): MemoryWatch {
  /** Whose slices run, and what the process had when each began. */
  const inside = new Map<Watched, number>();
  let known = { bytes: own(), atMs: performance.now() };
  let timer: NodeJS.Timeout | undefined;
  /** Looks since it is too much, or since somebody was ended for it; undefined: it is not. */
  let looks: number | undefined;
  /** Whether somebody was ended: that gives its memory back after a while, and nobody else is blamed for it until then. */
  let waiting = false;
  /** Slices that began within one look's time since then. */
  let sinceMs = 0;
  let begun = 0;

  /** Those that were told. */
  const long = new Set<Watched>();

  function measure(): number {
    known = { bytes: own(), atMs: performance.now() };
    return known.bytes;
  }

  function longest(): readonly Watched[] {
    const nowMs = performance.now();
    return [...inside.keys()]
      .filter(({ insideSinceMs }) => nowMs - insideSinceMs >= LOOK_MS - 1)
      .toSorted((a, b) => a.insideSinceMs - b.insideSinceMs);
  }

  function tell(): void {
    onLong([...long].map(({ occupant }) => occupant));
  }

  let reclaimedAtMs = Number.NEGATIVE_INFINITY;
  /** What the process has, after it gave back what it has forgotten, should it be too much. */
  function measureAnew(): number {
    const bytes = measure();
    if (bytes <= limitBytes || performance.now() - reclaimedAtMs < RECLAIM_MS) return bytes;
    reclaimedAtMs = performance.now();
    collect();
    return measure();
  }

  /** It is too much: ends who has run longest of those under whom it grew. */
  function judge(found: readonly Watched[], bytes: number): "ended" | "wait" | "exceeded" {
    looks = (looks ?? -1) + 1;
    if (waiting && looks <= LOOKS_MAX) return "wait";
    const first = found.find(
      (isolate) => bytes - (inside.get(isolate) ?? bytes) >= GROWTH_BYTES_MIN,
    );
    if (first === undefined) return looks > LOOKS_MAX ? "exceeded" : "wait";
    inside.delete(first);
    first.dispose("memory");
    looks = 0;
    waiting = true;
    return "ended";
  }

  function look(): void {
    timer = undefined;
    const nowMs = performance.now();
    for (const isolate of inside.keys()) if (nowMs >= isolate.insideUntilMs) isolate.onOverdue();
    const bytes = measureAnew();
    const found = longest();
    const others = found.filter((isolate) => !long.has(isolate));
    for (const isolate of others) {
      long.add(isolate);
      isolate.onLong();
    }
    if (others.length > 0) tell();
    if (bytes <= limitBytes) {
      looks = undefined;
      waiting = false;
    } else if (judge(found, bytes) === "exceeded") return onExceeded(bytes);
    if (inside.size > 0 || looks !== undefined) timer = setTimeout(look, LOOK_MS);
  }

  return {
    enter(isolate) {
      const { insideSinceMs } = isolate;
      if (insideSinceMs - known.atMs > BASELINE_MS_MAX) measure();
      if (insideSinceMs - sinceMs > LOOK_MS) {
        sinceMs = insideSinceMs;
        begun = 0;
      }
      begun++;
      inside.set(isolate, known.bytes);
      timer ??= setTimeout(look, LOOK_MS);
    },
    leave(isolate) {
      inside.delete(isolate);
      if (long.delete(isolate)) tell();
      // A timer for each costs more than a look in vain, where they are many; where they are few it would wake the host up.
      if (inside.size > 0 || looks !== undefined || begun >= MANY) return;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
