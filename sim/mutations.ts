/** Bugs, made on purpose: each has to be found, or the invariants are worth less than they look. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Campaign } from "./campaign.ts";
import { campaign } from "./campaign.ts";
import type { Core } from "./core.ts";
import { present } from "./core.ts";
import type { Mutation } from "./mutation-list.ts";
import { mutations } from "./mutation-list.ts";

const SOURCES = join(import.meta.dirname, "../runtime/src");
const FOLDERS = ["packet", "vrrp"];

/** @returns whether all of them were found. */
export async function reportMutations(
  seeds: number,
  print: (line: string) => void,
): Promise<boolean> {
  const unchanged = campaign(present, { firstSeed: 0, seeds });
  if (unchanged.failure !== undefined) {
    print(`the core fails without any of them: ${unchanged.failure.violation.kind}`);
    return false;
  }
  let survivors = 0;
  for (const mutation of mutations) {
    const { failure, seeds: used } = await tryMutation(mutation, seeds);
    if (failure === undefined) survivors++;
    print(
      failure === undefined
        ? `SURVIVES  ${mutation.name} (${used} seeds)`
        : `found     ${mutation.name}: ${failure.violation.invariant} after ${used} seeds: ${failure.violation.message}`,
    );
  }
  print(`${mutations.length - survivors} of ${mutations.length} mutations found`);
  return survivors === 0;
}

export async function tryMutation(mutation: Mutation, seeds: number): Promise<Campaign> {
  const core = await mutated(mutation);
  const { bytes, plain } = mutation;
  return campaign(core, { firstSeed: 0, seeds, bytes, plain });
}

/** A copy of the core with one text replaced, imported from a directory of its own. */
export async function mutated({ name, file, find, replace }: Mutation): Promise<Core> {
  const directory = mkdtempSync(join(tmpdir(), "sim-mutation-"));
  try {
    writeFileSync(join(directory, "package.json"), '{ "type": "module" }');
    for (const folder of FOLDERS)
      cpSync(join(SOURCES, folder), join(directory, folder), {
        recursive: true,
        filter: (path) => !path.endsWith(".test.ts"),
      });
    const path = join(directory, "vrrp", file);
    const parts = readFileSync(path, "utf8").split(find);
    if (parts.length !== 2)
      throw new Error(`mutation "${name}": its text occurs ${parts.length - 1} times in ${file}`);
    writeFileSync(path, parts.join(replace));
    return await load(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function load(directory: string): Promise<Core> {
  const from = (file: string): Promise<unknown> =>
    import(pathToFileURL(join(directory, "vrrp", file)).href);
  const parts = await Promise.all(
    ["virtual-router.ts", "router-set.ts", "transmission.ts"].map(from),
  );
  // The same modules as in core.ts, but for one text.
  return Object.assign({}, ...parts) as Core;
}
