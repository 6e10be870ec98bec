/**
 * Tells the number that a file holds, and when it changes (inotify(7), by node:fs).
 *
 * The directory is watched, not the file: editors and mv(1) put another file in its place. For a symbolic link that is the link's own and
 * that of the file which it leads to. What inotify does not tell (a directory that is not there yet or comes anew, a link in the
 * midst of the path, a file system whose changes come from elsewhere) is seen by a look every second.
 */
import type { FSWatcher } from "node:fs";
import {
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  statSync,
  watch as watchDirectory,
} from "node:fs";
import { dirname, resolve } from "node:path";

const LOOK_MS = 1000;
/** Between an event and the look: a burst is one change, and who writes a file anew has emptied it just before. */
const SETTLE_MS = 5;
/** A number that is gone is looked for once more after this time: the writer may have been kept from writing it. */
const DOUBT_MS = 20;
/** A file that fills this holds no number. */
const OCTETS_MAX = 4096;
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

export interface FileWatch {
  close(): void;
}

interface WatchedDirectory {
  readonly watcher: FSWatcher;
  /** Tells it from another one of the same name. */
  readonly identity: string;
}

/**
 * Calls `onValue` soon, and then whenever the number changes: a decimal integer of 32 bits with or without a sign, white space around it;
 * undefined when the file holds anything else or nothing, or cannot be read.
 */
export function watchNumber(path: string, onValue: (value: number | undefined) => void): FileWatch {
  const file = resolve(path);
  const watched = new Map<string, WatchedDirectory>();
  let reported: { readonly value: number | undefined } | undefined;
  let settling: NodeJS.Timeout | undefined;
  let closed = false;

  function look(doubtful: boolean): void {
    settling = undefined;
    // First the watches: what changes after the reading must be told.
    watchDirectories();
    const value = readNumber(file);
    if (reported !== undefined && value === reported.value) return;
    if (doubtful && reported !== undefined && value === undefined) {
      settling = setTimeout(look, DOUBT_MS, false);
      return;
    }
    reported = { value };
    onValue(value);
  }

  /** Within SETTLE_MS; what comes until then is seen with it. */
  function lookSoon(): void {
    if (!closed) settling ??= setTimeout(look, SETTLE_MS, true);
  }

  function watchDirectories(): void {
    const wanted = new Set([dirname(file), dirname(realPath(file))]);
    for (const [directory, { watcher, identity }] of watched) {
      if (wanted.has(directory) && identityOf(directory) === identity) continue;
      watcher.close();
      watched.delete(directory);
    }
    for (const directory of wanted) {
      const identity = identityOf(directory);
      if (watched.has(directory) || identity === undefined) continue;
      try {
        const watcher = watchDirectory(directory, lookSoon);
        watched.set(directory, { watcher, identity });
        watcher.on("error", () => {
          watcher.close();
          watched.delete(directory);
        });
      } catch {
        // It is gone again, or the kernel has no watch left to give: the next look tries anew.
      }
    }
  }

  const first = setImmediate(look, false);
  const interval = setInterval(lookSoon, LOOK_MS);

  return {
    close() {
      closed = true;
      clearImmediate(first);
      clearInterval(interval);
      clearTimeout(settling);
      for (const { watcher } of watched.values()) watcher.close();
    },
  };
}

/** Where the file really lies; where it should when there is none. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Undefined when there is no such directory. The inode's number alone may be given out again; not so with its time of birth. */
function identityOf(directory: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true });
    return `${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return undefined;
  }
}

function readNumber(path: string): number | undefined {
  let descriptor: number | undefined;
  try {
    // A pipe must not hold up the opening.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(OCTETS_MAX);
    const length = readSync(descriptor, buffer, 0, OCTETS_MAX, null);
    return length < OCTETS_MAX ? parseNumber(buffer.toString("latin1", 0, length)) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function parseNumber(text: string): number | undefined {
  const digits = /^[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*$/.exec(text)?.[1];
  // Minus zero is zero.
  const value = Number(digits) + 0;
  return value >= INT32_MIN && value <= INT32_MAX ? value : undefined;
}
