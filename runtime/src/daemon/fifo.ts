/** A named pipe with a line for each event, and who reads it: keepalived's notify_fifo. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { Logger } from "../observe/log.ts";
import { createBackoff } from "./backoff.ts";
import type { CommandRunner } from "./command.ts";
import { describeResult } from "./command.ts";
import type { Ids } from "./command-user.ts";
import type { Notification } from "./notification.ts";
import { wordsFor } from "./notification.ts";

/** For mkfifo(1). */
const MODE = "644";

export interface FifoOptions {
  readonly path: string;
  /** Who owns it when it is made, and may own one that is there. */
  readonly owner: Ids | undefined;
  readonly reader: { readonly argv: readonly string[]; readonly user: Ids | undefined } | undefined;
  readonly runner: CommandRunner;
  readonly log: Logger;
}

export interface Fifo {
  /** @throws Error when the line did not fit: the reader is too slow, or there is none. */
  write(notification: Notification): void;
  close(): void;
}

/** @throws Error when there is something else at the path, or somebody else's pipe. */
export function openFifo({ path, owner, reader, runner, log }: FifoOptions): Fifo {
  const made = makeFifo(path);
  const descriptor = openOwn(path, made, owner);
  const backoff = createBackoff();
  let lost = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function read(): Promise<void> {
    if (reader === undefined) return;
    const result = await runner.run(reader.argv, {
      user: reader.user,
      append: [path],
      endsByItself: true,
      onOutput: (line) => log.debug({ fifo: path, line }, "the pipe's reader says"),
    });
    if (closed) return;
    const delayMs = backoff.next();
    log.warn({ fifo: path, result: describeResult(result), delayMs }, "the pipe's reader ended");
    timer = setTimeout(() => void read(), delayMs);
  }

  void read();
  return {
    write(notification) {
      if (closed) throw new Error(`${path} is closed already`);
      try {
        // A line fits into PIPE_BUF: all of it is written, or nothing.
        writeSync(descriptor, lineFor(notification));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        lost++;
        throw new Error(
          `${path} is full, its reader is too slow or there is none: the line is lost, ${lost} so far`,
          { cause: error },
        );
      }
    },
    close() {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      // Its name goes first: a reader that opens it anew at its end does not find it.
      if (made) rmSync(path, { force: true });
      closeSync(descriptor);
    },
  };
}

/** @returns whether it was made here. */
function makeFifo(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
  execFileSync("mkfifo", ["-m", MODE, "--", path], { stdio: ["ignore", "ignore", "pipe"] });
  return true;
}

/**
 * Opens both ends: that waits for no reader, and a reader that ends does not end the pipe. What is at the path is
 * judged by what was opened, since in a directory that others may write somebody may have put it there.
 */
function openOwn(path: string, made: boolean, owner: Ids | undefined): number {
  const { O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    const stat = fstatSync(descriptor);
    if (!stat.isFIFO()) throw new Error(`${path} exists and is no named pipe`);
    if (stat.uid !== process.getuid?.() && stat.uid !== owner?.uid)
      throw new Error(
        `${path} belongs to user ${stat.uid}; remove it, or name that user in the configuration`,
      );
    if (made && owner !== undefined) fchownSync(descriptor, owner.uid, owner.gid);
    return descriptor;
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (made) rmSync(path, { force: true });
    if ((error as NodeJS.ErrnoException).code === "ELOOP")
      throw new Error(`${path} is a symbolic link, expected a named pipe or nothing`, {
        cause: error,
      });
    throw error;
  }
}

/** As keepalived writes it: `INSTANCE "VI_1" MASTER 100`, `VS [192.0.2.10]:tcp:80 UP`. */
export function lineFor(notification: Notification): string {
  if (!("state" in notification)) return `${wordsFor(notification).join(" ")}\n`;
  const { subject, event, state, priority } = notification;
  const kind = subject.type === "virtual-router" ? "INSTANCE" : "GROUP";
  const word =
    event === "contended"
      ? "MASTER_RX_LOWER_PRI"
      : event === "priority"
        ? `${state}_PRIORITY`
        : state;
  return `${kind} "${subject.name}" ${word} ${priority}\n`;
}
