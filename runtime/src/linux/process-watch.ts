/**
 * Counts processes by name and arguments, from /proc (proc_pid_stat(5), proc_pid_cmdline(5)).
 *
 * Deaths are told by the kernel, at once. Births are not: the interface for them, the process connector of netlink(7), is often
 * not there (it needs CAP_NET_ADMIN in the first user namespace and a kernel built with it, and says nothing in a container), so /proc is
 * scanned, and a new process is counted up to SCAN_MS late.
 *
 * A scan lists /proc and reads only what it has to: processes that are new, those that are young (a shell that was just forked becomes
 * the server that it starts), and some of the others in turn. Thus a process that takes another name or other arguments later in its life, or a
 * new one with the number of one that died since the last scan, is noticed too, within seconds.
 */
import { closeSync, openSync, readSync, readdirSync } from "node:fs";
import { watchDeaths } from "./pidfd.ts";

const SCAN_MS = 250;
const YOUNG_MS = 2000;
/** The unit of the start times in /proc: USER_HZ, the same on every architecture that is left. */
const TICKS_PER_SECOND = 100;
/** How many of the processes that need not be looked at are, in one scan; each costs some ten microseconds. */
const TURNS = 32;
/** TASK_COMM_LEN, without the terminator. */
const NAME_OCTETS = 15;
/** Of a process's command line; the rest is not compared. */
const COMMAND_LINE_OCTETS = 64 * 1024;
const STAT_OCTETS = 1024;

export interface ProcessPattern {
  readonly name: string;
  /** The command line's arguments after the command itself; any when not given. */
  readonly arguments?: readonly string[];
  /**
   * How `arguments` are compared: with all that the process has ("exact", the default), with its first ones ("initial"), or with any run of
   * them ("partial").
   */
  readonly match?: "exact" | "initial" | "partial";
  /**
   * Compare `name` with the command line's first word (all of it, or what follows its last slash), which a process may write over, in place of the
   * name that the kernel keeps. The kernel's has 15 octets: of a longer `name` it is compared with the first 15, and the first word's
   * last part must be all of it (unless there is no command line to read).
   */
  readonly fullCommand?: boolean;
}

export interface ProcessWatch {
  close(): void;
}

/** What there is to know of one process. */
interface Status {
  /** As /proc/PID/comm has it. */
  readonly name: string;
  /** In ticks since boot: with the pid it tells one process from every other. */
  readonly startTicks: number;
  /** It has ended, and waits to be reaped. */
  readonly zombie: boolean;
}

interface Known {
  readonly startTicks: number;
  youngUntilMs: number;
  /** Indices of the patterns that it matches. */
  matched: readonly number[];
  /** Its death will be told. */
  watched: boolean;
}

const buffer = Buffer.alloc(COMMAND_LINE_OCTETS);

/**
 * Calls `onCount` for each pattern soon, with its index, and then whenever the number of processes that match it changes. Zombies do not count.
 *
 * @throws Error when the kernel gives no epoll.
 */
export function watchProcesses(
  patterns: readonly ProcessPattern[],
  onCount: (index: number, count: number) => void,
): ProcessWatch {
  const wanted = patterns.map(toOctets);
  const counts = patterns.map(() => 0);
  const reported: (number | undefined)[] = patterns.map(() => undefined);
  const known = new Map<number, Known>();
  const deaths = watchDeaths((pid) => {
    forget(pid);
    report();
  });
  let turns: number[] = [];
  let scanned = false;
  let closed = false;

  function scan(): void {
    if (closed) return;
    const nowMs = performance.now();
    const pids = listProcesses();
    // No descriptor left, perhaps: that says nothing about the processes.
    if (pids === undefined) return;
    for (const pid of known.keys()) if (!pids.has(pid)) forget(pid);
    for (const pid of pids) {
      const entry = known.get(pid);
      if (
        entry === undefined ||
        entry.youngUntilMs > nowMs ||
        (entry.matched.length > 0 && !entry.watched)
      )
        lookAt(pid, nowMs);
    }
    if (!scanned) forgiveTheOld();
    scanned = true;
    if (turns.length === 0) turns = [...known.keys()];
    for (const pid of turns.splice(-TURNS)) if (known.has(pid)) lookAt(pid, nowMs);
    report();
  }

  /** All are new to the first scan. What started well before the newest of them is not young, whatever the time is now. */
  function forgiveTheOld(): void {
    let newest = 0;
    for (const { startTicks } of known.values()) newest = Math.max(newest, startTicks);
    for (const entry of known.values())
      if (newest - entry.startTicks > (YOUNG_MS / 1000) * TICKS_PER_SECOND) entry.youngUntilMs = 0;
  }

  function lookAt(pid: number, nowMs: number): void {
    const status = readStatus(pid);
    // That it is gone is for the next list to say: there are other reasons for a file not to open.
    if (status === undefined) return;
    let entry = known.get(pid);
    if (entry !== undefined && entry.startTicks !== status.startTicks) {
      forget(pid);
      entry = undefined;
    }
    if (entry === undefined) {
      const { startTicks } = status;
      entry = { startTicks, youngUntilMs: nowMs + YOUNG_MS, matched: [], watched: false };
      known.set(pid, entry);
    }
    for (const index of entry.matched) counts[index] = (counts[index] ?? 0) - 1;
    entry.matched = status.zombie ? [] : matchesOf(pid, status, wanted);
    for (const index of entry.matched) counts[index] = (counts[index] ?? 0) + 1;
    follow(pid, entry);
  }

  /** Has its death told if it matters. */
  function follow(pid: number, entry: Known): void {
    if (entry.matched.length === 0) {
      if (entry.watched) deaths.remove(pid);
      entry.watched = false;
    } else if (!entry.watched) {
      entry.watched = deaths.add(pid);
      // It may have died since it was looked at, and the descriptor be another's with the same number: the next scan will see.
      if (readStatus(pid)?.startTicks !== entry.startTicks) forget(pid);
    }
  }

  function forget(pid: number): void {
    const entry = known.get(pid);
    if (entry === undefined) return;
    known.delete(pid);
    for (const index of entry.matched) counts[index] = (counts[index] ?? 0) - 1;
    if (entry.watched) deaths.remove(pid);
  }

  function report(): void {
    for (const [index, count] of counts.entries()) {
      if (closed) return;
      if (reported[index] === count) continue;
      reported[index] = count;
      onCount(index, count);
    }
  }

  const first = setImmediate(scan);
  const interval = setInterval(scan, SCAN_MS);

  return {
    close() {
      closed = true;
      clearImmediate(first);
      clearInterval(interval);
      deaths.close();
    },
  };
}

/** What the kernel keeps are octets in no encoding: they are read as Latin-1, a character for each, and so is the pattern. */
function toOctets(pattern: ProcessPattern): ProcessPattern {
  const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
  const name = octets(pattern.name);
  return pattern.arguments === undefined
    ? { ...pattern, name }
    : { ...pattern, name, arguments: pattern.arguments.map(octets) };
}

function matchesOf(pid: number, status: Status, patterns: readonly ProcessPattern[]): number[] {
  let words: readonly string[] | undefined;
  // Read only if a pattern asks for it, which for nearly all processes none does.
  const commandLine = (): readonly string[] => (words ??= readCommandLine(pid));
  return patterns.flatMap((pattern, index) =>
    nameMatches(pattern, status.name, commandLine) && argumentsMatch(pattern, commandLine)
      ? index
      : [],
  );
}

function nameMatches(
  { name, fullCommand = false }: ProcessPattern,
  kernelName: string,
  commandLine: () => readonly string[],
): boolean {
  if (!fullCommand) {
    if (kernelName.slice(0, NAME_OCTETS) !== name.slice(0, NAME_OCTETS)) return false;
    if (name.length <= NAME_OCTETS) return true;
  }
  const [command] = commandLine();
  if (command === undefined) return !fullCommand;
  return command.slice(command.lastIndexOf("/") + 1) === name || (fullCommand && command === name);
}

function argumentsMatch(
  { arguments: wanted, match = "exact" }: ProcessPattern,
  commandLine: () => readonly string[],
): boolean {
  if (wanted === undefined) return true;
  const actual = commandLine().slice(1);
  const surplus = actual.length - wanted.length;
  if (surplus < 0 || (match === "exact" && surplus > 0)) return false;
  const offsetMax = match === "partial" ? surplus : 0;
  for (let offset = 0; offset <= offsetMax; offset++)
    if (wanted.every((word, index) => actual[offset + index] === word)) return true;
  return false;
}

function listProcesses(): Set<number> | undefined {
  try {
    return new Set(readdirSync("/proc").map(Number).filter(Number.isInteger));
  } catch {
    return undefined;
  }
}

/** "PID (name) STATE ...", where the name may hold anything; the start time is the 22nd field of all, the state the third. */
function readStatus(pid: number): Status | undefined {
  const text = read(`/proc/${pid}/stat`, STAT_OCTETS) ?? "";
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const startTicks = Number(fields[22 - 3]);
  if (end < 0 || !Number.isInteger(startTicks)) return undefined;
  return {
    name: text.slice(text.indexOf("(") + 1, end),
    startTicks,
    zombie: fields[0] === "Z" || fields[0] === "X",
  };
}

/** Each word ends with a null octet; a kernel's thread has none. */
function readCommandLine(pid: number): readonly string[] {
  const text = read(`/proc/${pid}/cmdline`, COMMAND_LINE_OCTETS) ?? "";
  return text === "" ? [] : text.replace(/\0$/, "").split("\0");
}

function read(path: string, octetsMax: number): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    return buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, octetsMax, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
