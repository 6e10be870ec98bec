/** What the reader asks of the machine; everything else in this folder works on text. */
import {
  closeSync,
  constants,
  fstatSync,
  globSync,
  openSync,
  readFileSync,
  statSync,
} from "node:fs";
import { hostname } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { unsafePath } from "../safe-path.ts";

/** Far more than any configuration; a file beyond it is not one. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export type FileText =
  | { readonly ok: true; readonly text: string; readonly executable: boolean }
  | { readonly ok: false; readonly reason: string };

export interface HostFacts {
  /** The text of a regular file, or why there is none. */
  readFile(path: string): FileText;
  /** The paths that a pattern with wildcards and braces matches, sorted. */
  glob(pattern: string, directory: string): readonly string[];
  /** Where a command's file is, as execvp(3) finds it, and whether it can be executed. */
  findCommand(file: string): { readonly path: string; readonly executable: boolean } | undefined;
  /** Whether there is a user, or a group, of this name or number. */
  hasUser(user: string): boolean;
  hasGroup(group: string): boolean;
  /** Why root should not run a file, or undefined. */
  unsafePath(path: string): string | undefined;
  /** The names of the network interfaces. */
  interfaces(): ReadonlySet<string>;
  /** The first lines of a text file, for judging what a script does; undefined for what is no small text. */
  readScript(path: string): string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The name of the host up to the first dot. */
  readonly hostName: string;
}

const SCRIPT_BYTES_MAX = 256 * 1024;

/** This machine. */
export function thisHost(): HostFacts {
  let interfaces: ReadonlySet<string> | undefined;
  return {
    readFile,
    glob: (pattern, directory) =>
      globSync(pattern.replaceAll(/\*{2,}/g, "*"), { cwd: directory })
        .map((path) => resolve(directory, path))
        .toSorted(),
    findCommand,
    interfaces: () => (interfaces ??= interfaceNames()),
    readScript(path) {
      const file = readFile(path, SCRIPT_BYTES_MAX);
      return file.ok && !file.text.includes("\0") ? file.text : undefined;
    },
    unsafePath,
    hasUser: (user) => listed("/etc/passwd", user),
    hasGroup: (group) => listed("/etc/group", group),
    environment: process.env,
    hostName: hostname().split(".")[0] ?? "",
  };
}

/** passwd(5) and group(5): the name first, the number third. */
function listed(file: string, wanted: string): boolean {
  return readFileSync(file, "utf8")
    .split("\n")
    .some((line) => {
      const [name, , number] = line.split(":");
      return number !== undefined && (name === wanted || number === wanted);
    });
}

/** Of this network namespace, which /sys may not show. */
function interfaceNames(): ReadonlySet<string> {
  const lines = readFileSync("/proc/self/net/dev", "utf8").split("\n");
  return new Set(lines.flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []));
}

function readFile(path: string, mostBytes = FILE_BYTES_MAX): FileText {
  let descriptor: number | undefined;
  try {
    // Not blocking: a pipe without a writer would hold us for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, mode } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      return { ok: false, reason: "it is no regular file" };
    if (size > mostBytes)
      return {
        ok: false,
        reason: `it has ${size} bytes, more than the ${mostBytes} that a configuration may have`,
      };
    return {
      ok: true,
      text: readFileSync(descriptor, "utf8"),
      executable: (mode & 0o111) !== 0,
    };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown }).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "this user may not read it";
  return error instanceof Error ? error.message : String(error);
}

function findCommand(
  file: string,
): { readonly path: string; readonly executable: boolean } | undefined {
  const directories = (process.env["PATH"] ?? SYSTEM_PATH).split(delimiter);
  const candidates = file.includes("/") ? [file] : directories.map((entry) => join(entry, file));
  const present = candidates.flatMap((path) => {
    try {
      const stats = statSync(path);
      return stats.isFile() ? [{ path, executable: (stats.mode & 0o111) !== 0 }] : [];
    } catch {
      return [];
    }
  });
  return present.find((entry) => entry.executable) ?? present[0];
}
