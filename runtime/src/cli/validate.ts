/** `karuntime validate`: loads a configuration as the daemon would, plugins included, and changes nothing. */
import { parseArgs } from "node:util";
import { ConfigurationError, formatDiagnostic } from "../config/diagnostic.ts";
import { loadConfiguration } from "../config/load.ts";
import { configurationFile } from "./paths.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: "string", short: "c" }, json: { type: "boolean", default: false } },
  });
  const file = configurationFile(values.config);
  try {
    const { configuration, checks } = await loadConfiguration(file, process.env);
    const warnings = configuration.warnings.map(({ path, message }) => ({
      severity: "warning" as const,
      code: "config.surprise",
      message,
      file,
      path,
    }));
    if (!values.json)
      for (const warning of warnings) process.stderr.write(`${formatDiagnostic(warning)}\n`);
    process.stdout.write(
      values.json
        ? `${JSON.stringify(warnings, undefined, 2)}\n`
        : `${file} is good: ${count(configuration.virtualRouters.length, "virtual router")}, ${count(checks.length, "check")}\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    if (values.json) process.stdout.write(`${JSON.stringify(error.diagnostics, undefined, 2)}\n`);
    else process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
