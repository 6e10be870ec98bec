/** Reading files that were granted. A link is followed first; what it leads to must be granted. */
import { constants } from "node:fs";
import { open, readlink, realpath } from "node:fs/promises";
import { DeniedError } from "./denied.ts";

/** path_resolution(7): the kernel takes no longer ones. */
const PATH_CHARACTERS_MAX = 4096;
const READ_BYTES_MAX = 64 * 1024;

export interface FileAnswer {
  readonly text: string;
  /** In bytes; `text` has at most the first 65,536 of them. */
  readonly size: number;
  /** When it was last written, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/**
 * Reads the beginning of a regular file.
 *
 * @param granted absolute paths; one that ends with "/" covers everything beneath it.
 * @throws DeniedError when the path, or what it leads to, is not granted; Error when it cannot be read.
 */
export async function readGranted(path: string, granted: readonly string[]): Promise<FileAnswer> {
  if (!path.startsWith("/") || path.includes("\0") || path.length > PATH_CHARACTERS_MAX)
    throw new Error(
      `files: found ${JSON.stringify(path.slice(0, PATH_CHARACTERS_MAX))}, expected an absolute path`,
    );
  // Asked before anything is touched, so that nobody learns which files there are.
  if (!covered(path, granted)) throw denied(path, path);
  const target = await realpath(path);
  if (!covered(target, granted)) throw denied(path, target);
  const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    // A directory on the way may have become a link since it was looked at.
    const opened = await readlink(`/proc/self/fd/${file.fd}`);
    if (opened !== target) throw denied(path, opened);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error(`files: ${path} is no regular file`);
    const buffer = Buffer.alloc(READ_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES_MAX, 0);
    return {
      text: buffer.toString("utf8", 0, bytesRead),
      size: stats.size,
      modifiedMs: stats.mtimeMs,
    };
  } finally {
    await file.close();
  }
}

function covered(path: string, granted: readonly string[]): boolean {
  if (path.split("/").some((part) => part === ".." || part === ".")) return false;
  return granted.some((entry) => (entry.endsWith("/") ? path.startsWith(entry) : path === entry));
}

function denied(path: string, target: string): DeniedError {
  const leads = path === target ? path : `${path}, which leads to ${target}`;
  return new DeniedError(
    `not permitted: to read ${leads}; add it to the plugin: permissions: { files: [${JSON.stringify(target)}] }`,
  );
}
