/** `karuntime types`: writes karuntime-env.d.ts beside the configuration, for editors and the compiler. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { isTypeScript } from "../config/load.ts";
import type { PluginTypes } from "../config/plugin-types.ts";
import { TYPES_FILE, pluginTypes } from "../config/plugin-types.ts";
import { configurationFile } from "./paths.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: "string", short: "c" } },
  });
  const file = configurationFile(values.config);
  if (!isTypeScript(file))
    throw new Error(
      `${file} is no TypeScript; karuntime migrate makes a karuntime.config.ts of it`,
    );
  const { plugins, unknown } = await write(file);
  for (const line of unknown) process.stderr.write(`warning: not in it is ${line}\n`);
  const amount = `${plugins.length} plugin${plugins.length === 1 ? "" : "s"}`;
  process.stdout.write(`${relative("", join(dirname(file), TYPES_FILE))}: ${amount}\n`);
  return 0;
}

/** After a change of what is installed: where there is such a file, it is written again. What goes wrong is only told. */
export async function refreshTypes(folder: string): Promise<void> {
  const file = join(folder, "karuntime.config.ts");
  if (!existsSync(join(folder, TYPES_FILE)) || !existsSync(file)) return;
  try {
    await write(file);
  } catch (error) {
    process.stderr.write(
      `warning: ${TYPES_FILE} is as before: ${(error as Error).message}\nafter mending that: karuntime types\n`,
    );
  }
}

async function write(file: string): Promise<PluginTypes> {
  const types = await pluginTypes(file);
  const target = join(dirname(file), TYPES_FILE);
  // An editor that watches it sees nothing when nothing changed, and never half of it.
  if (existsSync(target) && readFileSync(target, "utf8") === types.text) return types;
  const beside = `${target}.${process.pid}`;
  try {
    writeFileSync(beside, types.text);
    renameSync(beside, target);
  } finally {
    rmSync(beside, { force: true });
  }
  return types;
}
