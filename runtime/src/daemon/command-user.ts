/** Who runs a command, and whether running it as root is safe. */
import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

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

/** What is asked of a path; `uid` and `gid` are its owner's. */
export interface PathFacts {
  readonly stat: (path: string) => {
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
  };
  readonly realPath: (path: string) => string;
}

const THIS_HOST: PathFacts = { stat: lstatSync, realPath: realpathSync };
const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;
const DIRECTORY = 0o040_000;
const TYPE = 0o170_000;

/**
 * Why root should not run a file: somebody else can change it, or put another one in its place.
 *
 * @returns a sentence, or undefined when only root can.
 */
export function unsafePath(file: string, facts: PathFacts = THIS_HOST): string | undefined {
  let real: string;
  try {
    real = facts.realPath(file);
  } catch (error) {
    return `${file} cannot be looked at: ${error instanceof Error ? error.message : String(error)}`;
  }
  for (let path = real; ; path = dirname(path)) {
    const why = unsafePart(path, facts);
    if (why !== undefined) return why;
    if (path === dirname(path)) return undefined;
  }
}

function unsafePart(path: string, facts: PathFacts): string | undefined {
  const { mode, uid, gid } = facts.stat(path);
  // In a directory with the sticky bit nobody can replace what belongs to root.
  if ((mode & TYPE) === DIRECTORY && (mode & STICKY) !== 0 && uid === 0) return undefined;
  if (uid !== 0) return `${path} belongs to user ${uid}, who can change it`;
  if ((mode & WRITABLE_BY_GROUP) !== 0 && gid !== 0) return `group ${gid} can write ${path}`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) return `everybody can write ${path}`;
  return undefined;
}
