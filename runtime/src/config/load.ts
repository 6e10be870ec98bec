/**
 * From a configuration file to what the daemon runs: a `karuntime.config.ts` is bundled and evaluated in an isolate of
 * a short-lived process without privileges, any other file is read as a keepalived.conf; both are validated by one
 * schema. Then every plugin that is named is evaluated likewise, for what it asks to be granted.
 */
import type { Diagnostic } from "./diagnostic.ts";
import { ConfigurationError } from "./diagnostic.ts";
import { thisHost } from "./keepalived/host.ts";
import { readKeepalived } from "./keepalived/read.ts";
import type { LoadedCheck, LoadedNotifier } from "./load-plugins.ts";
import { createPlugins } from "./load-plugins.ts";
import type { CheckConfiguration, CheckerConfiguration, Configuration } from "./model.ts";
import type { PlaceOf } from "./validate.ts";
import { validateConfiguration } from "./validate.ts";

export interface LoadOptions {
  /** A keepalived.conf: go on as keepalived does, without what is wrong or with a default. */
  readonly lenient?: boolean | undefined;
  /** A keepalived.conf: what `@NAME` at the beginning of a line is compared with. Default: the host's name. */
  readonly configurationId?: string | undefined;
}

/** A check or a notifier whose plugin is not the one that karuntime.lock means. */
export interface Refused {
  readonly subject:
    | { readonly type: "check"; readonly name: string }
    /** The index of the notification. */
    | { readonly type: "notifier"; readonly notification: number };
  readonly diagnostics: readonly Diagnostic[];
}

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** The plugin checks, and the checkers of real servers, as a sandbox host takes them. */
  readonly checks: readonly LoadedCheck[];
  /** The notifier plugins, by their place in `configuration.notifications`. */
  readonly notifiers: readonly LoadedNotifier[];
  /** What must not run, while everything else does. */
  readonly refused: readonly Refused[];
  /** What is allowed and may surprise. */
  readonly warnings: readonly Diagnostic[];
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
    const checks: LoadedCheck[] = [];
    const refused: Refused[] = [];
    const {
      secrets,
      sandbox: { trustGroups },
    } = configuration;
    const uses: readonly (CheckConfiguration | CheckerConfiguration)[] = [
      ...configuration.checks,
      ...configuration.checkers,
    ];
    for (const check of uses) {
      if (check.type !== "plugin") continue;
      const { name, intervalMs, timeoutMs, rise, fall, onFault } = check;
      const path = "path" in check ? check.path : `checks.${name}`;
      const plugin = await plugins.loadCheck(check, { file, path, trustGroups, secrets });
      if (plugin === undefined) continue;
      const warmup = "warmupMs" in check ? { warmupMs: check.warmupMs } : {};
      if ("refused" in plugin)
        refused.push({ subject: { type: "check", name }, diagnostics: plugin.refused });
      else checks.push({ ...plugin, name, intervalMs, timeoutMs, rise, fall, onFault, ...warmup });
    }
    const notifiers: LoadedNotifier[] = [];
    for (const [notification, { target }] of configuration.notifications.entries()) {
      if (target.type !== "plugin") continue;
      const place = { file, path: `notify.${notification}`, trustGroups, secrets };
      const plugin = await plugins.load(target, ["notifier"], place);
      if (plugin === undefined) continue;
      if ("refused" in plugin)
        refused.push({ subject: { type: "notifier", notification }, diagnostics: plugin.refused });
      else notifiers.push({ ...plugin, notification });
    }
    if (plugins.diagnostics.length > 0)
      throw new ConfigurationError([...diagnostics, ...plugins.diagnostics]);
    return {
      configuration,
      checks,
      notifiers,
      refused,
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
