/** `karuntime validate`: loads a configuration as the daemon would, plugins included, and changes nothing. */
import { parseArgs } from "node:util";
import { comparePeers } from "../config/compare-peers.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { ConfigurationError, formatDiagnostic } from "../config/diagnostic.ts";
import type { LoadedConfiguration } from "../config/load.ts";
import { loadConfiguration } from "../config/load.ts";
import type { Configuration } from "../config/model.ts";
import { printable } from "../config/print.ts";
import { configurationFile } from "./paths.ts";

/** What `validate` exits with. */
const GOOD = 0;
const WARNED = 1;
const BAD = 2;

/** What `keepalived -t` exits with. */
const KEEPALIVED = { good: 0, noFile: 4, wrong: 5, scriptSecurity: 6 } as const;

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: "string", short: "c" },
      "use-file": { type: "string", short: "f" },
      "config-test": { type: "boolean", short: "t", default: false },
      "config-id": { type: "string", short: "i" },
      peer: { type: "string" },
      lenient: { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
      print: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const file = configurationFile(values.config ?? values["use-file"]);
  const options = { lenient: values.lenient, configurationId: values["config-id"] };
  const { loaded, diagnostics } = await load(file, options);
  const all = [...diagnostics];
  if (values.peer !== undefined && loaded !== undefined) {
    const peer = await load(configurationFile(values.peer), options);
    all.push(...peer.diagnostics.filter(({ severity }) => severity === "error"));
    if (peer.loaded !== undefined)
      all.push(...comparePeers(loaded.configuration, peer.loaded.configuration, file));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  else for (const diagnostic of all) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  if (loaded !== undefined && values.print)
    process.stdout.write(`${JSON.stringify(printable(loaded.configuration), undefined, 2)}\n`);
  else if (!values.json && loaded !== undefined && status(all, false) === GOOD)
    process.stdout.write(`${file} is good: ${summary(loaded.configuration, all)}\n`);
  return values["config-test"] ? keepalivedStatus(all) : status(all, values.strict);
}

async function load(
  file: string,
  options: Parameters<typeof loadConfiguration>[2],
): Promise<{
  readonly loaded: LoadedConfiguration | undefined;
  readonly diagnostics: readonly Diagnostic[];
}> {
  try {
    const loaded = await loadConfiguration(file, process.env, options);
    const refused = loaded.refused.flatMap(({ diagnostics }) => diagnostics);
    return { loaded, diagnostics: [...loaded.warnings, ...refused] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { loaded: undefined, diagnostics: error.diagnostics };
  }
}

function status(diagnostics: readonly Diagnostic[], strict: boolean): number {
  if (diagnostics.some(({ severity }) => severity === "error")) return BAD;
  return strict && diagnostics.length > 0 ? WARNED : GOOD;
}

/** A warning there is what keepalived would not mention: it does not count here either. */
function keepalivedStatus(diagnostics: readonly Diagnostic[]): number {
  if (diagnostics.some(({ code }) => code === "keepalived.file")) return KEEPALIVED.noFile;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const security = (found: readonly Diagnostic[]): boolean =>
    found.some(({ code }) => code === "keepalived.script-security");
  if (errors.some(({ code }) => code !== "keepalived.script-security")) return KEEPALIVED.wrong;
  return security(diagnostics) ? KEEPALIVED.scriptSecurity : KEEPALIVED.good;
}

function summary(
  { virtualRouters, checks, virtualServers, checkers }: Configuration,
  diagnostics: readonly Diagnostic[],
): string {
  const parts = [count(virtualRouters.length, "virtual router"), count(checks.length, "check")];
  if (virtualServers.length > 0) parts.push(count(virtualServers.length, "virtual server"));
  if (checkers.length > 0)
    parts.push(
      count(checkers.length, "plugin that checks a real server", "plugins that check real servers"),
    );
  if (diagnostics.length > 0) parts.push(count(diagnostics.length, "warning"));
  return parts.join(", ");
}

function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}
