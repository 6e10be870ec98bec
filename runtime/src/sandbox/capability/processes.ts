/**
 * How many processes have a name, from /proc, cheaply enough to be asked every few milliseconds.
 *
 * A process that was seen with a name stays known by an open descriptor of its /proc/PID/stat: read again it tells whether that very
 * process lives (and is no zombie) and still has the name, and can never be mistaken for a later one with the same number. Whether there are new
 * processes the kernel tells with the last field of /proc/loadavg, the newest process id; only the ids since are looked at. Exact but
 * for one case: a process that lived for longer than RESCAN_MS under another name and then takes the name by exec is counted up to RESCAN_MS
 * late, unless no other process has the name.
 */
import { closeSync, existsSync, openSync, readSync, readdirSync } from "node:fs";

const RESCAN_MS = 5000;
/** Young processes are looked at again: a shell that was just forked becomes the server that it starts. */
const YOUNG_MS = 2000;
/** With more new ids than this, a scan of the folder is cheaper. */
const NEW_IDS_MAX = 200;
/** Checks that come due together ask the same: one look serves them all. */
const FRESH_MS = 5;
/** Descriptors for one name; a count ends there. */
const DESCRIPTORS_MAX = 4096;

const buffer = Buffer.alloc(1024);

export class ProcessTable {
  readonly #known = new Map<string, Map<number, number>>();
  readonly #counted = new Map<string, { readonly count: number; readonly atMs: number }>();
  readonly #young = new Map<number, number>();
  #scannedAtMs = Number.NEGATIVE_INFINITY;
  #newest = 0;
  readonly #loadavg = openSync("/proc/loadavg", "r");

  /** @param name as in /proc/PID/comm: the first 15 characters of the command's name. */
  count(name: string, nowMs: number): number {
    const last = this.#counted.get(name);
    if (last !== undefined && nowMs - last.atMs < FRESH_MS) return last.count;
    const count = this.#look(name, nowMs);
    this.#counted.set(name, { count, atMs: nowMs });
    return count;
  }

  #look(name: string, nowMs: number): number {
    let members = this.#known.get(name);
    const first = members === undefined;
    if (members === undefined) this.#known.set(name, (members = new Map()));
    let vanished = false;
    for (const [pid, descriptor] of members) {
      if (nameOf(descriptor) === name) continue;
      closeSync(descriptor);
      members.delete(pid);
      vanished = true;
    }
    if (first || vanished || members.size === 0 || nowMs - this.#scannedAtMs > RESCAN_MS)
      this.#scan(nowMs);
    else this.#lookAtNew(nowMs);
    return members.size;
  }

  close(): void {
    for (const members of this.#known.values())
      for (const descriptor of members.values()) closeSync(descriptor);
    closeSync(this.#loadavg);
  }

  #scan(nowMs: number): void {
    this.#scannedAtMs = nowMs;
    this.#newest = this.#readNewest();
    for (const entry of readdirSync("/proc")) {
      const pid = Number(entry);
      if (Number.isInteger(pid)) this.#lookAt(pid);
    }
  }

  #lookAtNew(nowMs: number): void {
    const newest = this.#readNewest();
    if (newest < this.#newest || newest - this.#newest > NEW_IDS_MAX) return this.#scan(nowMs);
    for (let pid = this.#newest + 1; pid <= newest; pid++) this.#young.set(pid, nowMs);
    this.#newest = newest;
    for (const [pid, seenAtMs] of this.#young) {
      this.#lookAt(pid);
      if (nowMs - seenAtMs > YOUNG_MS) this.#young.delete(pid);
    }
  }

  #lookAt(pid: number): void {
    const path = `/proc/${pid}/stat`;
    // Most new ids are of what has ended since, and to ask costs much less than an exception.
    const descriptor = existsSync(path) ? openedOrGone(path) : undefined;
    if (descriptor === undefined) return void this.#young.delete(pid);
    const name = nameOf(descriptor);
    const members = name === undefined ? undefined : this.#known.get(name);
    // A thread has an entry too, but is no process: only its leader counts.
    if (
      members === undefined ||
      members.has(pid) ||
      members.size >= DESCRIPTORS_MAX ||
      !isProcess(pid)
    )
      closeSync(descriptor);
    else members.set(pid, descriptor);
  }

  #readNewest(): number {
    const text = readAt(this.#loadavg) ?? "";
    return Number(text.slice(text.lastIndexOf(" ") + 1));
  }
}

function openedOrGone(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}

function isProcess(pid: number): boolean {
  try {
    const descriptor = openSync(`/proc/${pid}/status`, "r");
    const text = readAt(descriptor) ?? "";
    closeSync(descriptor);
    return /^Tgid:\t(\d+)$/m.exec(text)?.[1] === String(pid);
  } catch {
    return false;
  }
}

/** The name in a process's stat file, "PID (name) STATE ..."; undefined when it is gone or only waits to be reaped. */
function nameOf(descriptor: number): string | undefined {
  const text = readAt(descriptor) ?? "";
  const end = text.lastIndexOf(")");
  const state = text[end + 2];
  return end < 0 || state === "Z" || state === "X"
    ? undefined
    : text.slice(text.indexOf("(") + 1, end);
}

/** The file's text from its beginning, as much as fits the buffer; undefined when it cannot be read. */
function readAt(descriptor: number): string | undefined {
  try {
    return buffer
      .toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, 0))
      .trimEnd();
  } catch {
    return undefined;
  }
}
