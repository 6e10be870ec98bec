/** What memory a process has to itself, from /proc/PID/statm (proc(5)). */
import { closeSync, openSync, readSync } from "node:fs";

const PAGE_BYTES = 4096;
const buffer = Buffer.alloc(128);

export interface OwnMemory {
  /** Resident and not of a file; 0 once the process is gone. */
  bytes(): number;
  close(): void;
}

/** The descriptor stays open: it is cheaper to read, and never leads to a later process of the same number. */
export function openOwnMemory(process: number | "self"): OwnMemory {
  let statm: number | undefined;
  try {
    statm = openSync(`/proc/${process}/statm`, "r");
  } catch {
    // It has ended already.
  }
  return {
    bytes() {
      if (statm === undefined) return 0;
      try {
        const [, resident = 0, shared = 0] = buffer
          .toString("latin1", 0, readSync(statm, buffer, 0, buffer.length, 0))
          .split(" ")
          .map(Number);
        return (resident - shared) * PAGE_BYTES;
      } catch {
        return 0;
      }
    },
    close() {
      if (statm !== undefined) closeSync(statm);
      statm = undefined;
    },
  };
}
