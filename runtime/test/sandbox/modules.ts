/** What a project of a test has installed: the packages of this workspace, first-party plugins as their sources. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const SCOPE = "@karuntime";
let modules: string | undefined;

/** Makes `node_modules` in the folder. A plugin that was just changed needs no build, and one that was built is not taken. */
export function linkModules(folder: string): void {
  modules ??= makeModules();
  symlinkSync(modules, join(folder, "node_modules"));
}

/** Once for a process, which takes it away at its end. */
function makeModules(): string {
  const made = mkdtempSync(join(tmpdir(), "karuntime-modules-"));
  process.once("exit", () => rmSync(made, { recursive: true, force: true }));
  const installed = join(root, "node_modules");
  for (const name of readdirSync(installed))
    if (name !== SCOPE) symlinkSync(join(installed, name), join(made, name));
  mkdirSync(join(made, SCOPE));
  symlinkSync(join(root, "sdk"), join(made, SCOPE, "sdk"));
  for (const entry of readdirSync(join(root, "plugins"), { withFileTypes: true }))
    if (entry.isDirectory()) linkSource(entry.name, join(made, SCOPE, entry.name));
  return made;
}

function linkSource(plugin: string, place: string): void {
  mkdirSync(place);
  symlinkSync(join(root, "plugins", plugin, "src"), join(place, "src"));
  const json = { name: `${SCOPE}/${plugin}`, type: "module", exports: "./src/index.ts" };
  writeFileSync(join(place, "package.json"), JSON.stringify(json));
}
