/**
 * From a configuration file to what the daemon runs: a `karuntime.config.ts` is bundled and evaluated in an isolate of
 * a short-lived process without privileges, any other file is read as a keepalived.conf; both are validated by one
 * schema. Then every plugin that is named is evaluated likewise, for what it asks to be granted.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import type { Manifest } from "../plugins/manifest.ts";
import { parseManifest, parseOptions } from "../plugins/manifest.ts";
import type {
  CheckSpec,
  JsonValue,
  Permissions,
  PluginBundle,
  PluginError,
} from "../sandbox/protocol.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { ConfigurationError } from "./diagnostic.ts";
import type { Evaluator } from "./evaluator.ts";
import { startEvaluator } from "./evaluator.ts";
import { thisHost } from "./keepalived/host.ts";
import { readKeepalived } from "./keepalived/read.ts";
import type { Configuration, PluginUse } from "./model.ts";
import type { PlaceOf } from "./validate.ts";
import { validateConfiguration } from "./validate.ts";

export interface LoadOptions {
  /** A keepalived.conf: go on as keepalived does, without what is wrong or with a default. */
  readonly lenient?: boolean | undefined;
  /** A keepalived.conf: what `@NAME` at the beginning of a line is compared with. Default: the host's name. */
  readonly configurationId?: string | undefined;
}

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** The plugin checks as a sandbox host takes them; the grant is what the operator's own plugin declares. */
  readonly checks: readonly Omit<CheckSpec, "initialState">[];
  /** The notifier plugins, by their place in `configuration.notifications`. */
  readonly notifiers: readonly LoadedNotifier[];
  /** What is allowed and may surprise. */
  readonly warnings: readonly Diagnostic[];
}

export interface LoadedNotifier {
  /** The index of the notification. */
  readonly notification: number;
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly grant: Permissions;
}

interface LoadedPlugin {
  readonly bundle: PluginBundle;
  readonly manifest: Manifest;
}

/** Whether a file is a TypeScript configuration by its name; every other one is a keepalived.conf. */
export function isTypeScript(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

/**
 * Loads a configuration file and the plugins it names. Nothing outside the isolate runs their code.
 *
 * @param file the path of the configuration.
 * @param environment what `env()` and `${_ENV NAME}` can read.
 * @throws ConfigurationError with every diagnostic that could be found.
 */
export async function loadConfiguration(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: LoadOptions = {},
): Promise<LoadedConfiguration> {
  const plugins = createPlugins();
  try {
    const { configuration, diagnostics } = isTypeScript(file)
      ? validated(await plugins.evaluateFile(file, environment), file)
      : fromKeepalived(file, environment, options);
    const checks: LoadedConfiguration["checks"][number][] = [];
    for (const check of configuration.checks) {
      if (check.type !== "plugin") continue;
      const { name, intervalMs, timeoutMs, rise, fall, onFault } = check;
      const plugin = await plugins.load(check, "check", file, `checks.${name}`);
      if (plugin !== undefined)
        checks.push({ ...plugin, name, intervalMs, timeoutMs, rise, fall, onFault });
    }
    const notifiers: LoadedNotifier[] = [];
    for (const [notification, { target }] of configuration.notifications.entries()) {
      if (target.type !== "plugin") continue;
      const plugin = await plugins.load(target, "notifier", file, `notify.${notification}`);
      if (plugin !== undefined) notifiers.push({ ...plugin, notification });
    }
    if (plugins.diagnostics.length > 0)
      throw new ConfigurationError([...diagnostics, ...plugins.diagnostics]);
    return {
      configuration,
      checks,
      notifiers,
      warnings: diagnostics,
    };
  } finally {
    await plugins.stop();
  }
}

interface Validated {
  readonly configuration: Configuration;
  readonly diagnostics: readonly Diagnostic[];
}

/** @throws ConfigurationError when the value is no configuration. */
function validated(value: unknown, file: string, placeOf?: PlaceOf): Validated {
  const validation = validateConfiguration(value, file, placeOf);
  if (!validation.ok) throw new ConfigurationError(validation.diagnostics);
  return { configuration: validation.configuration, diagnostics: validation.warnings };
}

/** @throws ConfigurationError with everything that reading and validating found. */
function fromKeepalived(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  { lenient = false, configurationId }: LoadOptions,
): Validated {
  const read = readKeepalived(file, { ...thisHost(), environment }, { lenient, configurationId });
  const unusable = Object.keys(read.value.virtualRouters).length === 0;
  if (unusable) throw new ConfigurationError(read.diagnostics);
  const validation = validateConfiguration(read.value, file, read.placeOf);
  const found = [
    ...read.diagnostics,
    ...(validation.ok ? validation.warnings : validation.diagnostics),
  ];
  const wrong = found.some(({ severity }) => severity === "error");
  if (!validation.ok || wrong) throw new ConfigurationError(found);
  return { configuration: validation.configuration, diagnostics: found };
}

/** The plugins of one configuration: each file is bundled and evaluated once. */
function createPlugins() {
  const plugins = new Map<string, Promise<LoadedPlugin>>();
  const diagnostics: Diagnostic[] = [];
  let evaluator: Evaluator | undefined;

  async function evaluateCode(
    code: PluginBundle,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<unknown> {
    evaluator ??= startEvaluator();
    const result = await evaluator.evaluate(code, environment);
    if (result.ok) return result.value;
    throw new ConfigurationError([describeError(result.error, code.file)]);
  }

  async function loadPlugin(path: string): Promise<LoadedPlugin> {
    const code = await bundleOrThrow(path);
    const manifest = parseManifest(await evaluateCode(code, {}), path);
    if (!manifest.ok) throw new ConfigurationError(manifest.diagnostics);
    return { bundle: code, manifest: manifest.value };
  }

  return {
    diagnostics,
    evaluateFile: async (
      file: string,
      environment: Readonly<Record<string, string | undefined>>,
    ): Promise<unknown> => evaluateCode(await bundleOrThrow(file), environment),
    /** The plugin with its options, or nothing: what is wrong is among the diagnostics. */
    async load(use: PluginUse, kind: Manifest["kind"], file: string, path: string) {
      const plugin = resolve(dirname(file), use.plugin);
      const loading = plugins.get(plugin) ?? loadPlugin(plugin);
      plugins.set(plugin, loading);
      try {
        const { bundle: code, manifest } = await loading;
        if (manifest.kind !== kind) {
          diagnostics.push(wrongKind(manifest.kind, kind, plugin, file, path));
          return undefined;
        }
        const options = parseOptions(manifest.options, use.options, {
          file,
          path: `${path}.options`,
        });
        if (options.ok)
          return { bundle: code, options: options.value, grant: manifest.permissions };
        diagnostics.push(...options.diagnostics);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        diagnostics.push(
          ...error.diagnostics.filter((diagnostic) => !diagnostics.includes(diagnostic)),
        );
      }
      return undefined;
    },
    async stop(): Promise<void> {
      if (evaluator === undefined) return;
      evaluator.stop();
      await stopBundler();
    },
  };
}

function wrongKind(
  found: Manifest["kind"],
  expected: Manifest["kind"],
  plugin: string,
  file: string,
  path: string,
): Diagnostic {
  return {
    severity: "error",
    code: "config.plugin",
    message: `${plugin} is a ${found}, expected a ${expected}`,
    file,
    path,
  };
}

async function bundleOrThrow(path: string): Promise<PluginBundle> {
  const result = await bundle(path);
  if (!result.ok) throw new ConfigurationError(result.diagnostics);
  return result.bundle;
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
