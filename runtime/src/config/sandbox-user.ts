/** Which user sandbox hosts run as. */
import { readFileSync } from "node:fs";
import type { SandboxUser } from "../sandbox/spawn.ts";

/** In this order, when the configuration names none. */
const DEFAULT_USERS = ["karuntime", "nobody"];

/**
 * Finds the user's ids in /etc/passwd.
 *
 * @param configured a user's name or "uid:gid".
 * @param uidMap the user namespace's users (user_namespaces(7)): "inside outside count" lines.
 * @returns undefined when this process cannot change its user: it is not root, or in a user namespace that does not
 *   have that user. Sandbox hosts then keep this process's user, without its capabilities.
 * @throws Error when there is no such user, or it is root.
 */
export function sandboxUser(
  configured: string | undefined,
  passwd: string = readFileSync("/etc/passwd", "utf8"),
  uidMap: string = readFileSync("/proc/self/uid_map", "utf8"),
): SandboxUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const names = configured === undefined ? DEFAULT_USERS : [configured];
  const found = parseIds(configured) ?? lookUp(passwd, names);
  if (found === undefined) {
    throw new Error(`sandbox.user: there is no user ${names.join(" or ")} in /etc/passwd`);
  }
  if (found.uid === 0 || found.gid === 0) {
    throw new Error("sandbox.user: plugins never run as root; name another user");
  }
  return exists(found.uid, uidMap) ? found : undefined;
}

function parseIds(configured: string | undefined): SandboxUser | undefined {
  const match = /^(\d+):(\d+)$/.exec(configured ?? "");
  return match === null ? undefined : { uid: Number(match[1]), gid: Number(match[2]) };
}

function lookUp(passwd: string, names: readonly string[]): SandboxUser | undefined {
  const entries = passwd.split("\n").map((line) => line.split(":"));
  for (const name of names) {
    const [, , uid, gid] = entries.find((entry) => entry[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function exists(uid: number, uidMap: string): boolean {
  return uidMap.split("\n").some((line) => {
    const [inside = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return uid >= inside && uid < inside + count;
  });
}
