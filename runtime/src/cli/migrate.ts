/** `karuntime migrate`: writes a keepalived.conf as a karuntime.config.ts, and plugins in the place of its scripts. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { thisHost } from "../config/keepalived/host.ts";
import { readKeepalived } from "../config/keepalived/read.ts";
import type { MigratedFile } from "../migrate/migrate.ts";
import { migrate } from "../migrate/migrate.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      output: { type: "string", short: "o", default: "." },
      "config-id": { type: "string", short: "i" },
      lenient: { type: "boolean", default: false },
      force: { type: "boolean", default: false },
    },
  });
  const [source, ...others] = positionals;
  if (source === undefined || others.length > 0)
    throw new Error("expected one file: karuntime migrate keepalived.conf [-o DIR]");
  const file = resolve(source);
  const host = thisHost();
  const read = readKeepalived(file, host, {
    lenient: values.lenient,
    configurationId: values["config-id"],
  });
  for (const diagnostic of read.diagnostics)
    process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  // A script that is not on this host can still be migrated: to a stub that says so.
  const wrong = read.diagnostics.some(
    ({ severity, code }) => severity === "error" && !code.startsWith("keepalived.script-"),
  );
  if (wrong) {
    process.stderr.write(
      "karuntime: nothing is written: mend the errors above, or go on after them with --lenient\n",
    );
    return 2;
  }
  const files = migrate(read, host.readScript, relative(process.cwd(), file) || file);
  write(files, resolve(values.output), values.force);
  for (const { name, purpose } of files)
    process.stdout.write(`${join(values.output, name)}: ${purpose}\n`);
  return 0;
}

/** @throws Error when a file is in the way; then none is written. */
function write(files: readonly MigratedFile[], directory: string, force: boolean): void {
  const inTheWay = files.map(({ name }) => join(directory, name)).filter(existsSync);
  if (inTheWay.length > 0 && !force)
    throw new Error(
      `nothing is written: ${inTheWay.join(", ")} exists already; name another folder with -o, or overwrite with --force`,
    );
  for (const { name, text } of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
