/**
 * From a `karuntime.config.ts` to what the daemon runs: bundled, evaluated in an isolate of a short-lived process
 * without privileges, validated here; then every plugin that it names, likewise, for what it asks to be granted.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import type { Manifest } from "../plugins/manifest.ts";
import { parseManifest, parseOptions } from "../plugins/manifest.ts";
import type { CheckSpec, PluginBundle, PluginError } from "../sandbox/protocol.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { ConfigurationError } from "./diagnostic.ts";
import type { CheckConfiguration, Configuration } from "./model.ts";
import type { Evaluator } from "./evaluator.ts";
import { startEvaluator } from "./evaluator.ts";
import { validateConfiguration } from "./validate.ts";

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** The checks as a sandbox host takes them; the grant is what the operator's own plugin declares. */
  readonly checks: readonly Omit<CheckSpec, "initialState">[];
}

interface LoadedPlugin {
  readonly bundle: PluginBundle;
  readonly manifest: Manifest;
}

/**
 * Loads a configuration file and the plugins it names. Nothing outside the isolate runs their code.
 *
 * @param file the path of the configuration.
 * @param environment what `env()` can read.
 * @throws ConfigurationError with every diagnostic that could be found.
 */
export async function loadConfiguration(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<LoadedConfiguration> {
  const evaluator = startEvaluator();
  try {
    const value = await evaluate(evaluator, await bundleOrThrow(file), environment);
    const validation = validateConfiguration(value, file);
    if (!validation.ok) throw new ConfigurationError(validation.diagnostics);
    const { configuration } = validation;
    return { configuration, checks: await loadChecks(configuration.checks, file, evaluator) };
  } finally {
    evaluator.stop();
    await stopBundler();
  }
}

async function loadChecks(
  checks: readonly CheckConfiguration[],
  file: string,
  evaluator: Evaluator,
): Promise<LoadedConfiguration["checks"]> {
  const diagnostics: Diagnostic[] = [];
  const plugins = new Map<string, Promise<LoadedPlugin>>();
  const loaded: LoadedConfiguration["checks"][number][] = [];
  for (const check of checks) {
    const path = resolve(dirname(file), check.plugin);
    const plugin = plugins.get(path) ?? loadPlugin(path, evaluator);
    plugins.set(path, plugin);
    try {
      const { bundle: code, manifest } = await plugin;
      const options = parseOptions(manifest.options, check.options, {
        file,
        path: `checks.${check.name}.options`,
      });
      if (options.ok) {
        const { intervalMs, timeoutMs, rise, fall } = check;
        loaded.push({
          name: check.name,
          bundle: code,
          options: options.value,
          grant: manifest.permissions,
          intervalMs,
          timeoutMs,
          rise,
          fall,
        });
      } else diagnostics.push(...options.diagnostics);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      diagnostics.push(
        ...error.diagnostics.filter((diagnostic) => !diagnostics.includes(diagnostic)),
      );
    }
  }
  if (diagnostics.length > 0) throw new ConfigurationError(diagnostics);
  return loaded;
}

async function loadPlugin(path: string, evaluator: Evaluator): Promise<LoadedPlugin> {
  const code = await bundleOrThrow(path);
  const manifest = parseManifest(await evaluate(evaluator, code, {}), path);
  if (!manifest.ok) throw new ConfigurationError(manifest.diagnostics);
  return { bundle: code, manifest: manifest.value };
}

async function bundleOrThrow(path: string): Promise<PluginBundle> {
  const result = await bundle(path);
  if (!result.ok) throw new ConfigurationError(result.diagnostics);
  return result.bundle;
}

async function evaluate(
  evaluator: Evaluator,
  code: PluginBundle,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<unknown> {
  const result = await evaluator.evaluate(code, environment);
  if (result.ok) return result.value;
  throw new ConfigurationError([describeError(result.error, code.file)]);
}

function describeError(error: PluginError, file: string): Diagnostic {
  const place = error.file ?? file;
  const lineText = error.line === undefined ? undefined : readLine(place, error.line);
  return {
    severity: "error",
    code: "config.evaluation",
    message: error.message,
    file: place,
    ...(error.line === undefined ? {} : { line: error.line }),
    ...(error.column === undefined ? {} : { column: error.column }),
    ...(lineText === undefined ? {} : { lineText }),
  };
}

function readLine(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1];
  } catch {
    return undefined;
  }
}
