/** The plugins that a configuration names: bundled, evaluated for what they ask, and given it. */
import { readFileSync } from "node:fs";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import { fillIn, uncovered, withTarget } from "../plugins/grant.ts";
import type { Manifest } from "../plugins/manifest.ts";
import {
  parseManifest,
  parseOptions,
  permissions as permissionsSchema,
} from "../plugins/manifest.ts";
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
import type { CheckConfiguration, PluginUse, SandboxConfiguration } from "./model.ts";
import { OPERATOR, locatePlugin } from "./plugin-use.ts";

/** Plugins of one trust group share a sandbox host: the operator's own files, a package, or what the configuration joins. */
interface Trusted {
  readonly trustGroup: string;
}

export type LoadedCheck = Omit<CheckSpec, "initialState" | "faults"> & Trusted;

export interface LoadedNotifier extends Trusted {
  /** The index of the notification. */
  readonly notification: number;
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly grant: Permissions;
  readonly secrets: Readonly<Record<string, string>>;
}

/** A plugin with its options and its grant. */
interface LoadedUse extends Trusted {
  readonly bundle: PluginBundle;
  readonly options: Readonly<Record<string, JsonValue>>;
  readonly grant: Permissions;
  readonly secrets: Readonly<Record<string, string>>;
}

interface LoadedPlugin {
  readonly bundle: PluginBundle;
  readonly manifest: Manifest;
}

/** Where a plugin is named. */
interface Place {
  readonly file: string;
  readonly path: string;
  readonly trustGroups: SandboxConfiguration["trustGroups"];
  /** All of the configuration. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The plugins of one configuration: each file is bundled and evaluated once. */
export function createPlugins() {
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

  async function load(
    use: PluginUse,
    kinds: readonly Manifest["kind"][],
    { file, path, trustGroups, secrets }: Place,
  ): Promise<LoadedUse | undefined> {
    const report = (code: string, message: string, hint?: string): undefined =>
      void diagnostics.push({
        severity: "error",
        code,
        message,
        file,
        path,
        ...(hint === undefined ? {} : { hint }),
      });
    const located = locatePlugin(use.plugin, file);
    if (!located.ok) return report("config.plugin", located.reason);
    const loading = plugins.get(located.file) ?? loadPlugin(located.file);
    plugins.set(located.file, loading);
    try {
      const { bundle: code, manifest } = await loading;
      if (!kinds.includes(manifest.kind))
        return report(
          "config.plugin",
          `${located.file} is a ${manifest.kind}, expected a ${kinds.join(" or ")}`,
          manifest.kind === "checker"
            ? 'a checker needs target: "ADDRESS:PORT" beside it'
            : undefined,
        );
      const options = parseOptions(manifest.options, use.options, {
        file,
        path: `${path}.options`,
      });
      if (!options.ok) return void diagnostics.push(...options.diagnostics);
      const wanted = permissionsSchema.safeParse(fillIn(manifest.permissions, options.value));
      if (!wanted.success)
        return report(
          "config.permissions",
          `with these options its permissions say ${wanted.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
        );
      const lacks = grantLacks(wanted.data, use.grant, located.package);
      if (lacks !== undefined)
        return report("config.grant", `${use.plugin} ${lacks.message}`, lacks.hint);
      const trustGroup =
        located.package === undefined
          ? OPERATOR
          : (trustGroups[located.package] ?? located.package);
      const grant = use.grant ?? wanted.data;
      const unknown = grant.secrets.filter((name) => !Object.hasOwn(secrets, name));
      if (unknown.length > 0)
        return report(
          "config.secrets",
          `${use.plugin} asks for the secret ${unknown.join(", ")}, which the configuration does not have`,
          `secrets: { ${unknown[0] ?? ""}: env("...") }`,
        );
      return {
        bundle: code,
        options: options.value,
        grant,
        secrets: Object.fromEntries(grant.secrets.map((name) => [name, secrets[name] ?? ""])),
        trustGroup,
      };
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      diagnostics.push(
        ...error.diagnostics.filter((diagnostic) => !diagnostics.includes(diagnostic)),
      );
      return undefined;
    }
  }

  return {
    diagnostics,
    evaluateFile: async (
      file: string,
      environment: Readonly<Record<string, string | undefined>>,
    ): Promise<unknown> => evaluateCode(await bundleOrThrow(file), environment),
    /** The plugin with its options and its grant, or nothing: what is wrong is among the diagnostics. */
    load,
    /** Likewise, with what a checker looks at. */
    async loadCheck(
      check: CheckConfiguration & { readonly type: "plugin" },
      place: Place,
    ): Promise<(LoadedUse & Pick<CheckSpec, "target">) | undefined> {
      const loaded = await load(check, check.target === undefined ? ["check"] : ["checker"], place);
      if (loaded === undefined) return undefined;
      const { target = null } = check;
      return { ...loaded, target, grant: withTarget(loaded.grant, target) };
    },
    async stop(): Promise<void> {
      if (evaluator === undefined) return;
      evaluator.stop();
      await stopBundler();
    },
  };
}

/** What is missing for a plugin to run: a package is given nothing by itself. */
function grantLacks(
  wanted: Permissions,
  grant: Permissions | undefined,
  package_: string | undefined,
): { readonly message: string; readonly hint: string } | undefined {
  if (grant === undefined && package_ === undefined) return undefined;
  const missing = uncovered(wanted, grant ?? permissionsSchema.parse({}));
  if (Object.keys(missing).length === 0) return undefined;
  return {
    message: `asks for more than it is granted: ${JSON.stringify(missing)}`,
    hint: `if you trust it with that, add this to its grant: ${JSON.stringify(missing)}`,
  };
}

async function bundleOrThrow(path: string): Promise<PluginBundle> {
  const result = await bundle(path);
  if (!result.ok) throw new ConfigurationError(result.diagnostics);
  return result.bundle;
}

/** What evaluating a file came to, with the line where the source map knows it. */
export function describeError(error: PluginError, file: string): Diagnostic {
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
