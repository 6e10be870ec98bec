/** What karuntime.lock says of a plugin that the configuration names, and whether the installed file is the one that it means. */
import { dirname, resolve } from "node:path";
import { sha256 } from "../plugins/build.ts";
import type { KnownFile } from "../plugins/bundle.ts";
import type { Lock, LockedPlugin } from "../plugins/lock.ts";
import { LOCK_FILE, readLock } from "../plugins/lock.ts";
import { readPlainFile } from "../plugins/package.ts";
import { isPackage } from "./plugin-use.ts";

export type Standing =
  | { readonly type: "unlocked" }
  | { readonly type: "locked"; readonly plugin: LockedPlugin }
  /** The lock cannot be read: nobody knows what it said. */
  | { readonly type: "unknown"; readonly reason: string };

/** The lock beside a configuration, read once. */
export function lockBeside(configuration: string): (plugin: string) => Standing {
  let read: Lock | Error | undefined;
  return (plugin) => {
    if (!isPackage(plugin)) return { type: "unlocked" };
    read ??= lockOrError(resolve(dirname(configuration)));
    if (read instanceof Error) return { type: "unknown", reason: read.message };
    const locked = Object.hasOwn(read, plugin) ? read[plugin] : undefined;
    return locked === undefined ? { type: "unlocked" } : { type: "locked", plugin: locked };
  };
}

/** The bundle that the operator agreed to. What is read here is what is run: the file is not read again. */
export function readLockedBundle(
  file: string,
  { sha256: expected, version }: LockedPlugin,
):
  | { readonly ok: true; readonly built: KnownFile }
  | { readonly ok: false; readonly reason: string } {
  let data: Buffer;
  try {
    data = readPlainFile(file);
  } catch (error) {
    return { ok: false, reason: `its bundle cannot be read: ${(error as Error).message}` };
  }
  const found = sha256(data);
  if (found === expected)
    return { ok: true, built: { text: data.toString("utf8"), sourceMap: sourceMapOf(file) } };
  return {
    ok: false,
    reason: `its bundle is not the one that was agreed to: ${file} has the sha256 ${found}, and ${LOCK_FILE} says ${expected} (version ${version})`,
  };
}

/** Nobody agreed to it: a false one misleads about the lines in messages, or has the plugin refused. */
function sourceMapOf(file: string): string {
  try {
    return readPlainFile(`${file}.map`).toString("utf8");
  } catch {
    return "";
  }
}

function lockOrError(folder: string): Lock | Error {
  try {
    return readLock(folder);
  } catch (error) {
    return error as Error;
  }
}
