/** The files of a plugin package: of a tarball as npm makes it, or of the folder where npm installed it. */
import {
  closeSync,
  constants,
  fstatSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ReadEntry } from "tar";
import { BUILT } from "./build.ts";
import type { KnownFile } from "./bundle.ts";
import { shown } from "./words.ts";

const FILES_MAX = 1000;
const BYTES_MAX = 32 * 1024 * 1024;

export interface PackageFiles {
  /** By path in the package. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What is neither a plain file nor a folder in the package, each with what it is. */
  readonly strange: readonly string[];
}

/** What `package.json` says, as far as plugins are concerned. All of it is somebody else's text. */
export interface PackageJson {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly keywords?: unknown;
  readonly exports?: unknown;
  readonly bin?: unknown;
  readonly type?: unknown;
  readonly scripts?: unknown;
  readonly [field: string]: unknown;
}

/** @throws Error when it is no tarball, or larger than any plugin is. */
export async function readTarball(file: string): Promise<PackageFiles> {
  const { list } = await import("tar");
  const files = new Map<string, Buffer>();
  const strange: string[] = [];
  const reading: Promise<void>[] = [];
  let bytes = 0;
  let entries = 0;
  const read = (entry: ReadEntry): void => {
    bytes += entry.size;
    if (++entries > FILES_MAX || bytes > BYTES_MAX) return;
    if (entry.type === "Directory") return;
    const problem = problemOf(entry);
    if (problem !== undefined) return void strange.push(problem);
    // npm puts everything into one folder, and takes the first one off whatever its name is.
    const name = entry.path.split("/").slice(1).join("/");
    if (files.has(name)) strange.push(`${shown(name)} is there twice`);
    reading.push(entry.concat().then((data) => void files.set(name, data)));
  };
  await list({ file, strict: true, onReadEntry: read });
  await Promise.all(reading);
  if (entries === 0) throw new Error(`${file} is no tarball of a package`);
  requireSize(file, entries, bytes);
  return { files, strange };
}

/** @param only what is in this folder of it. @throws Error when it is larger than any plugin is. */
export function readFolder(folder: string, only = ""): PackageFiles {
  const files = new Map<string, Buffer>();
  const strange: string[] = [];
  let bytes = 0;
  const walk = (inside: string): void => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      const name = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (entry.isDirectory()) walk(name);
      else if (entry.isFile()) {
        const data = readPlainFile(join(folder, name));
        files.set(name, data);
        bytes += data.length;
        requireSize(folder, files.size, bytes);
      } else strange.push(`${shown(name)} is no plain file`);
    }
  };
  if (existsSync(join(folder, only))) walk(only);
  return { files, strange };
}

/** @throws Error when there is none that can be read. */
export function packageJsonOf({ files }: PackageFiles): PackageJson {
  const text = files.get("package.json")?.toString("utf8");
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new Error("there is no package.json");
  return value as PackageJson;
}

/** The built module of a package. */
export function builtFile({ files }: PackageFiles): KnownFile | undefined {
  const text = files.get(BUILT.bundle)?.toString("utf8");
  const sourceMap = files.get(BUILT.sourceMap)?.toString("utf8") ?? "";
  return text === undefined ? undefined : { text, sourceMap };
}

/**
 * A file that may have been changed by somebody else.
 *
 * @throws Error when it is no plain file: to read a pipe or a device might never end.
 */
export function readPlainFile(file: string): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error(`${shown(file)} is no plain file`);
    requireSize(file, 1, status.size);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function problemOf({ type, path }: ReadEntry): string | undefined {
  if (path.startsWith("/")) return `${shown(path)} is an absolute path`;
  if (path.split("/").includes("..")) return `${shown(path)} leads out of the package`;
  if (type === "SymbolicLink" || type === "Link") return `${shown(path)} is a link`;
  return type === "File" || type === "OldFile" ? undefined : `${shown(path)} is no plain file`;
}

function requireSize(where: string, files: number, bytes: number): void {
  if (files > FILES_MAX || bytes > BYTES_MAX)
    throw new Error(
      `${where} has more than ${FILES_MAX} files or ${BYTES_MAX / 1024 / 1024} MiB; no plugin needs that`,
    );
}
