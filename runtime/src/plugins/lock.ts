/**
 * `karuntime.lock`: the plugin packages that the operator agreed to, by the sha256 of their bundle, and what each may do.
 * It lies beside the configuration.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Permissions } from "../sandbox/protocol.ts";
import { asWritten } from "./grant.ts";
import { permissions } from "./manifest.ts";

export const LOCK_FILE = "karuntime.lock";
const LOCK_VERSION = 1;

const lock = z.strictObject({
  lockVersion: z.literal(LOCK_VERSION),
  plugins: z.record(
    z.string(),
    z.strictObject({
      version: z.string(),
      integrity: z.string().regex(/^sha512-/, "expected sha512-..."),
      kind: z.enum(["check", "checker", "notifier"]),
      sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits"),
      grant: permissions,
    }),
  ),
});

export interface LockedPlugin {
  readonly version: string;
  /** Of the tarball, as npm has it. */
  readonly integrity: string;
  readonly kind: "check" | "checker" | "notifier";
  /** Of the bundle. */
  readonly sha256: string;
  /** With options in it, as the plugin asked for it. */
  readonly grant: Permissions;
}

/** By the name that the configuration has for the package. */
export type Lock = Readonly<Record<string, LockedPlugin>>;

/** @throws Error when there is a lock and it cannot be read. */
export function readLock(folder: string): Lock {
  const file = join(folder, LOCK_FILE);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const remedy =
    "bring back the one before, or remove it and add the plugins again: karuntime plugin add NAME";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no JSON (${(error as Error).message}); ${remedy}`, {
      cause: error,
    });
  }
  const parsed = lock.safeParse(value);
  if (parsed.success) return parsed.data.plugins;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join(".")}: ${issue?.message}; ${remedy}`);
}

/** Writes it whole or not at all; sorted, so that a change is seen as what it is. */
export function writeLock(folder: string, plugins: Lock): void {
  const sorted = Object.fromEntries(
    Object.entries(plugins)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { version, integrity, kind, sha256, grant }]) => [
        name,
        { version, integrity, kind, sha256, grant: asWritten(grant) },
      ]),
  );
  const file = join(folder, LOCK_FILE);
  const beside = `${file}.${process.pid}`;
  try {
    writeFileSync(
      beside,
      `${JSON.stringify({ lockVersion: LOCK_VERSION, plugins: sorted }, undefined, 2)}\n`,
      { flush: true },
    );
    renameSync(beside, file);
  } finally {
    rmSync(beside, { force: true });
  }
}
