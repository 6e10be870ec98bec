/** Whether root may run a file: only root can change it, or put another one in its place. */
import { lstatSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

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
