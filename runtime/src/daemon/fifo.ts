/** A named pipe with a line for each event, and who reads it: keepalived's notify_fifo. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
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
import type { Notification } from "./notifications.ts";

const MODE = 0o644;
const TYPE = 0o170_000;
const FIFO = 0o010_000;

export interface FifoOptions {
  readonly path: string;
  /** Who owns it when it is made. */
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

/** @throws Error when there is something else at the path. */
export function openFifo({ path, owner, reader, runner, log }: FifoOptions): Fifo {
  const made = makeFifo(path);
  if (made) {
    chmodSync(path, MODE);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  }
  // Both ends: opening does not wait for a reader, and a reader that ends does not end the pipe.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const backoff = createBackoff();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function read(): Promise<void> {
    if (reader === undefined) return;
    const result = await runner.run(reader.argv, { user: reader.user, append: [path] });
    if (closed) return;
    const delayMs = backoff.next();
    log.warn({ fifo: path, result: describeResult(result), delayMs }, "the pipe's reader ended");
    timer = setTimeout(() => void read(), delayMs);
  }

  void read();
  return {
    write: (notification) => void writeSync(descriptor, lineFor(notification)),
    close() {
      closed = true;
      clearTimeout(timer);
      closeSync(descriptor);
      if (made) rmSync(path, { force: true });
    },
  };
}

/** @returns whether it was made here. @throws Error when there is something else. */
function makeFifo(path: string): boolean {
  let mode: number | undefined;
  try {
    mode = lstatSync(path).mode;
  } catch {
    execFileSync("mkfifo", ["-m", "600", "--", path]);
    return true;
  }
  if ((mode & TYPE) !== FIFO) throw new Error(`${path} exists and is no named pipe`);
  return false;
}

/** As keepalived writes it: `INSTANCE "VI_1" MASTER 100`. */
export function lineFor({ subject, event, state, priority }: Notification): string {
  const kind = subject.type === "virtual-router" ? "INSTANCE" : "GROUP";
  const word =
    event === "contended"
      ? "MASTER_RX_LOWER_PRI"
      : event === "priority"
        ? `${state}_PRIORITY`
        : state;
  return `${kind} "${subject.name}" ${word} ${priority}\n`;
}
