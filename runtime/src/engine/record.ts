/**
 * What this process puts into the kernel, on disk: so that what a killed run left behind is known at the next start.
 * The file is the engine's own (mode 0600 in a directory of mode 0700); what does not look like a record is no record.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { VirtualAddress, VirtualRoute, VirtualRule } from "../vrrp/config.ts";

export interface Owned {
  readonly addresses: readonly (VirtualAddress & { readonly device: string })[];
  readonly routes: readonly VirtualRoute[];
  readonly rules: readonly VirtualRule[];
}

const NOTHING: Owned = { addresses: [], routes: [], rules: [] };

/** What an earlier run recorded; nothing where it ended cleanly or the file cannot be read. */
export function readRecord(file: string): Owned {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isRecord(value) ? value : NOTHING;
  } catch {
    return NOTHING;
  }
}

/** Written before anything is added; replaced as a whole, so that a crash leaves the old one or the new one. */
export function writeRecord(file: string, owned: Owned): void {
  writeFileSync(`${file}.new`, JSON.stringify(owned), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeRecord(file: string): void {
  rmSync(file, { force: true });
}

function isRecord(value: unknown): value is Owned {
  if (typeof value !== "object" || value === null) return false;
  const { addresses, routes, rules } = value as Readonly<Record<string, unknown>>;
  return Array.isArray(addresses) && Array.isArray(routes) && Array.isArray(rules);
}
