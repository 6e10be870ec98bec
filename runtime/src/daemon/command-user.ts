/** Who runs a command. */
import { readFileSync } from "node:fs";

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
 * @returns undefined for this process's own user.
 * @throws Error when there is no such user or group.
 */
export function commandUser(named: string | undefined, users: UserDatabase): Ids | undefined {
  if (named === undefined) return passwdEntry(users, DEFAULT_USER);
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
