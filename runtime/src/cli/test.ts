/** `karuntime test`: runs the tests of a project's plugins with Node's own test runner, TypeScript as it is. */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { parseArgs } from "node:util";

const PATTERN = "**/*.test.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const files =
    positionals.length > 0
      ? positionals
      : globSync(PATTERN, { exclude: ["**/node_modules/**"] }).toSorted();
  if (files.length === 0)
    throw new Error(`found no ${PATTERN} here; name the files: karuntime test FILE ...`);
  const child = spawn(
    process.execPath,
    // Early releases of Node 24 still call types an experiment.
    ["--disable-warning=ExperimentalWarning", "--test", ...files],
    { stdio: "inherit" },
  );
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (status) => resolve(status ?? 1));
  });
}
