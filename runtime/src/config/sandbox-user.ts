/** Which user sandbox hosts run as. */
import { readFileSync } from "node:fs";
import type { SandboxUser } from "../sandbox/spawn.ts";

/** In this order, when the configuration names none. */
const DEFAULT_USERS = ["karuntime", "nobody"];

/**
 * Finds the user's ids in /etc/passwd.
 *
 * @param configured a user's name or "uid:gid".
 * @returns undefined when this process is not root: it cannot change its user, and has no privileges to drop.
 * @throws Error when there is no such user, or it is root.
 */
export function sandboxUser(
  configured: string | undefined,
  passwd = readFileSync("/etc/passwd", "utf8"),
): SandboxUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const numeric = /^(\d+):(\d+)$/.exec(configured ?? "");
  const found =
    numeric === null
      ? lookUp(passwd, configured === undefined ? DEFAULT_USERS : [configured])
      : { uid: Number(numeric[1]), gid: Number(numeric[2]) };
  if (found === undefined)
    throw new Error(
      `sandbox.user: there is no user ${JSON.stringify(configured ?? DEFAULT_USERS.join(" or "))} in /etc/passwd`,
    );
  if (found.uid === 0 || found.gid === 0)
    throw new Error("sandbox.user: plugins never run as root; name another user");
  return found;
}

function lookUp(passwd: string, names: readonly string[]): SandboxUser | undefined {
  const entries = passwd.split("\n").map((line) => line.split(":"));
  for (const name of names) {
    const [, , uid, gid] = entries.find((entry) => entry[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
