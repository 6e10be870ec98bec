/** `karuntime plugin remove`, `list` and `outdated`: what is in karuntime.lock. */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BUILT } from "../../plugins/build.ts";
import { readLockedBundle } from "../../config/locked-plugin.ts";
import type { Lock } from "../../plugins/lock.ts";
import { LOCK_FILE, readLock, writeLock } from "../../plugins/lock.ts";
import { inOneLine } from "../../plugins/words.ts";
import { npm, npmJson } from "../npm.ts";
import { existingConfiguration } from "../paths.ts";
import { refreshTypes } from "../types.ts";

/** The folder of the configuration; where there is none yet, this one. */
export function lockFolder(configuration: string | undefined): string {
  return resolve(dirname(existingConfiguration(configuration) ?? "./karuntime.config.ts"));
}

export async function remove(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv);
  const [name, ...others] = positionals;
  if (name === undefined || others.length > 0)
    throw new Error("expected one package: karuntime plugin remove NAME");
  const folder = lockFolder(values.config);
  const { [name]: locked, ...rest } = readLock(folder);
  if (locked === undefined)
    throw new Error(`${name} is not in ${join(folder, LOCK_FILE)}; see: karuntime plugin list`);
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  const { status } = await npm(["uninstall", name, ...options], folder);
  if (status !== 0) throw new Error("npm uninstall failed: it says above why");
  writeLock(folder, rest);
  await refreshTypes(folder);
  process.stdout.write(`${name} is removed; take it out of the configuration too\n`);
  return 0;
}

export async function list(argv: readonly string[]): Promise<number> {
  const { folder, lock } = parsed(argv);
  for (const [name, locked] of Object.entries(lock)) {
    const { version, kind, grant } = locked;
    const installed = readLockedBundle(join(folder, "node_modules", name, BUILT.bundle), locked);
    const remark = installed.ok ? "" : `\n  REFUSED: ${installed.reason}`;
    const target = kind === "checker" ? "connect to the server that it checks; beside that " : "";
    process.stdout.write(
      `${name} ${version} (${kind})\n  may ${target}${inOneLine(grant)}${remark}\n`,
    );
  }
  return 0;
}

export async function outdated(argv: readonly string[]): Promise<number> {
  const { folder, lock, registry } = parsed(argv);
  for (const [name, { version }] of Object.entries(lock)) {
    const latest = await npmJson(["view", name, "version", ...registry], folder);
    if (typeof latest === "string" && latest !== version)
      process.stdout.write(
        `${name} ${version}, latest ${latest}: karuntime plugin add ${name}@${latest}\n`,
      );
  }
  return 0;
}

function parsed(argv: readonly string[]): {
  readonly folder: string;
  readonly lock: Lock;
  readonly registry: readonly string[];
} {
  const { values, positionals } = parse(argv);
  if (positionals.length > 0) throw new Error(`found ${positionals.join(" ")}, expected no name`);
  const folder = lockFolder(values.config);
  const registry = values.registry === undefined ? [] : ["--registry", values.registry];
  return { folder, lock: readLock(folder), registry };
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { config: { type: "string", short: "c" }, registry: { type: "string" } },
  });
}
