/** How a sandbox host becomes a process without privileges, and makes sure that it is one. */
import { readFileSync } from "node:fs";

/**
 * Changes the user where one is given.
 *
 * @throws Error when a privilege is left: such a process takes no plugin.
 */
export function dropPrivileges(uid: string | undefined, gid: string | undefined): void {
  if (uid !== undefined && gid !== undefined) {
    process.setgroups?.([]);
    process.setgid?.(Number(gid));
    process.setuid?.(Number(uid));
  }
  const status = readFileSync("/proc/self/status", "utf8");
  if (
    !/^CapEff:\t0+$/m.test(status) ||
    !/^CapPrm:\t0+$/m.test(status) ||
    !/^NoNewPrivs:\t1$/m.test(status)
  ) {
    throw new Error("the sandbox host still has privileges and does not start");
  }
}
