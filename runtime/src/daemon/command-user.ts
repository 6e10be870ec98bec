/** Who runs a command, and what root does not run. */
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Command, CommandsConfiguration } from "../config/model.ts";
import { unsafePath } from "../config/safe-path.ts";

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** The texts of passwd(5) and group(5). */
export interface UserDatabase {
  readonly passwd: string;
  readonly group: string;
}

/** Runs scripts where it exists and nobody else is named, as with keepalived. */
const DEFAULT_USER = "keepalived_script";

export function systemUsers(): UserDatabase {
  return {
    passwd: readFileSync("/etc/passwd", "utf8"),
    group: readFileSync("/etc/group", "utf8"),
  };
}

/**
 * The ids of "user", "user:group" or "uid:gid".
 *
 * @param named undefined: keepalived_script, where it exists.
 * @param isRoot whether this process can become somebody else; if not, nobody named means itself.
 * @returns undefined for this process's own user.
 * @throws Error when there is no such user or group.
 */
export function commandUser(
  named: string | undefined,
  users: UserDatabase,
  isRoot: boolean = process.getuid?.() === 0,
): Ids | undefined {
  if (named === undefined) return isRoot ? passwdEntry(users, DEFAULT_USER) : undefined;
  const [user = "", group] = named.split(":");
  const found = passwdEntry(users, user);
  if (found === undefined && group === undefined)
    throw new Error(`there is no user ${JSON.stringify(user)} in /etc/passwd`);
  const uid = found?.uid ?? number(user);
  const gid = group === undefined ? found?.gid : (groupId(users, group) ?? number(group));
  if (uid === undefined) throw new Error(`there is no user ${JSON.stringify(user)} in /etc/passwd`);
  if (gid === undefined)
    throw new Error(`there is no group ${JSON.stringify(group)} in /etc/group`);
  return { uid, gid };
}

export type CommandIdentity =
  | { readonly ok: true; readonly user: Ids | undefined }
  /** Nobody runs it; the reason is the end of a sentence about the command. */
  | { readonly ok: false; readonly reason: string };

/** Who runs a command, by its own user and what holds for all commands. */
export function commandIdentity(
  { argv: [file = ""], user: named }: Command,
  { user: usual, secure }: CommandsConfiguration,
): CommandIdentity {
  try {
    const user = commandUser(named ?? usual, systemUsers());
    if (!secure || !isRoot(user)) return { ok: true, user };
    const path = file.includes("/") ? file : findInPath(file, process.env["PATH"]);
    const why = path === undefined ? `there is no ${file} in PATH` : unsafePath(path);
    return why === undefined
      ? { ok: true, user }
      : { ok: false, reason: `it is not run as root: ${why}` };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The group counts too: what root's group may write, it can change. */
function isRoot(user: Ids | undefined): boolean {
  const { uid, gid } = user ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  return uid === 0 || gid === 0;
}

/** Where execvp(3) finds a file. */
function findInPath(file: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .map((directory) => join(directory, file))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function number(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** By name, or by number. */
function passwdEntry({ passwd }: UserDatabase, user: string): Ids | undefined {
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (gid !== undefined && (name === user || uid === user))
      return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function groupId({ group }: UserDatabase, wanted: string): number | undefined {
  for (const line of group.split("\n")) {
    const [name, , gid] = line.split(":");
    if (gid !== undefined && name === wanted) return Number(gid);
  }
  return undefined;
}
