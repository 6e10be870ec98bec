/**
 * The plugins that a configuration names: bundled, evaluated for what they ask, and given it. What is wrong with a package in
 * karuntime.lock refuses that package alone; anything else that is wrong refuses the configuration.
 */
import { dirname, resolve } from "node:path";
import type { KnownFile } from "../plugins/bundle.ts";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import { fillIn, uncovered, withTarget } from "../plugins/grant.ts";
import type { Manifest } from "../plugins/manifest.ts";
import {
  parseManifest,
  parseOptions,
  permissions as permissionsSchema,
} from "../plugins/manifest.ts";
import { readPlainFile } from "../plugins/package.ts";
import type {
  CheckSpec,
  CheckTarget,
  JsonValue,
  Permissions,
  PluginBundle,
  PluginError,
} from "../sandbox/protocol.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { ConfigurationError } from "./diagnostic.ts";
import type { Evaluator } from "./evaluator.ts";
import { startEvaluator } from "./evaluator.ts";
import type { PluginUse, SandboxConfiguration } from "./model.ts";
import type { Standing } from "./locked-plugin.ts";
import { lockBeside, readLockedBundle } from "./locked-plugin.ts";
import type { LocatedPlugin } from "./plugin-use.ts";
import { OPERATOR, locatePlugin } from "./plugin-use.ts";

/** Plugins of one trust group share a sandbox host: the operator's own files, a package, or what the configuration joins. */
interface Trusted {
  readonly trustGroup: string;
}

export interface LoadedCheck
  extends Omit<CheckSpec, "initialState" | "startDelayMs" | "faults">, Trusted {
  /** The first run comes at a random moment within this time. Default: at once. */
  readonly warmupMs?: number;
}

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

/** A plugin that must not run, and why. */
export interface RefusedUse {
  readonly refused: readonly Diagnostic[];
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
  /** One for each trust group: what the configuration read from the environment is in the operator's. */
  const evaluators = new Map<string, Evaluator>();
  const locks = new Map<string, (plugin: string) => Standing>();

  async function evaluateCode(
    code: PluginBundle,
    trustGroup: string,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<unknown> {
    const evaluator = evaluators.get(trustGroup) ?? startEvaluator();
    evaluators.set(trustGroup, evaluator);
    const result = await evaluator.evaluate(code, environment);
    if (result.ok) return result.value;
    throw new ConfigurationError([describeError(result.error, code.file)]);
  }

  async function loadPlugin(
    path: string,
    trustGroup: string,
    known?: KnownFile,
  ): Promise<LoadedPlugin> {
    const code = await bundleOrThrow(path, known);
    const manifest = parseManifest(await evaluateCode(code, trustGroup, {}), path);
    if (!manifest.ok) throw new ConfigurationError(manifest.diagnostics);
    return { bundle: code, manifest: manifest.value };
  }

  /** How the lock beside the configuration has the plugin. */
  function standingOf(plugin: string, configuration: string): Standing {
    const lock = locks.get(configuration) ?? lockBeside(configuration);
    locks.set(configuration, lock);
    return lock(plugin);
  }

  async function load(
    use: PluginUse,
    kinds: readonly Manifest["kind"][],
    place: Place,
  ): Promise<LoadedUse | RefusedUse | undefined> {
    const standing = standingOf(use.plugin, place.file);
    const found: Diagnostic[] = [];
    try {
      const loaded = await tryToLoad(use, kinds, place, standing, found);
      if (loaded !== undefined) return loaded;
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      found.push(...error.diagnostics);
    }
    if (standing.type !== "unlocked") return { refused: found };
    diagnostics.push(...found.filter((diagnostic) => !diagnostics.includes(diagnostic)));
    return undefined;
  }

  /** The plugin with its options and its grant; or nothing, and in `found` why. */
  async function tryToLoad(
    use: PluginUse,
    kinds: readonly Manifest["kind"][],
    { file, path, trustGroups, secrets }: Place,
    standing: Standing,
    found: Diagnostic[],
  ): Promise<LoadedUse | undefined> {
    const report = (code: string, message: string, hint?: string): undefined =>
      void found.push({
        severity: "error",
        code,
        message,
        file,
        path,
        ...(hint === undefined ? {} : { hint }),
      });
    if (standing.type === "unknown")
      return report("plugin.lock", `${use.plugin} is refused: ${standing.reason}`);
    const locked = standing.type === "locked" ? standing.plugin : undefined;
    const refuse = (reason: string): undefined =>
      report(
        "plugin.lock",
        `${use.plugin} is refused: ${reason}`,
        `find out who changed it; to agree to it as it is now: karuntime plugin add ${use.plugin}`,
      );
    const located = locatePlugin(use.plugin, file);
    if (!located.ok) return report("config.plugin", located.reason);
    const trustGroup = trustGroupOf(located.package, trustGroups);
    const key = locked === undefined ? located.file : use.plugin;
    let loading = plugins.get(key);
    if (loading === undefined) {
      const read = locked && readLockedBundle(located.file, locked);
      if (read?.ok === false) return refuse(read.reason);
      loading = loadPlugin(located.file, trustGroup, read?.built);
      plugins.set(key, loading);
    }
    const { bundle: code, manifest } = await loading;
    if (locked !== undefined && manifest.kind !== locked.kind)
      return refuse(`it is a ${manifest.kind}, and the lock says ${locked.kind}`);
    if (!kinds.includes(manifest.kind))
      return report(
        "config.plugin",
        `${located.file} is a ${manifest.kind}, expected a ${kinds.join(" or ")}`,
        manifest.kind === "checker"
          ? 'a checker needs target: "ADDRESS:PORT" beside it, or a real server that it checks'
          : undefined,
      );
    const options = parseOptions(manifest.options, use.options, { file, path: `${path}.options` });
    if (!options.ok) return void found.push(...options.diagnostics);
    const wanted = permissionsSchema.safeParse(fillIn(manifest.permissions, options.value));
    if (!wanted.success)
      return report(
        "config.permissions",
        `with these options its permissions say ${wanted.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
      );
    const given = use.grant ?? (locked && fillIn(locked.grant, options.value));
    if (locked !== undefined && use.grant === undefined) {
      const wider = uncovered(wanted.data, given ?? wanted.data);
      if (Object.keys(wider).length > 0)
        return refuse(`it asks for more than the lock grants: ${JSON.stringify(wider)}`);
    }
    const lacks = grantLacks(wanted.data, given, located.package);
    if (lacks !== undefined)
      return report("config.grant", `${use.plugin} ${lacks.message}`, lacks.hint);
    const grant = given ?? wanted.data;
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
  }

  return {
    diagnostics,
    evaluateFile: async (
      file: string,
      environment: Readonly<Record<string, string | undefined>>,
    ): Promise<unknown> => evaluateCode(await bundleOrThrow(file), OPERATOR, environment),
    /** What a plugin says of itself, whatever the lock says. @throws ConfigurationError when it cannot be loaded. */
    declared: async (located: LocatedPlugin & { readonly ok: true }): Promise<Manifest> =>
      (await loadPlugin(located.file, trustGroupOf(located.package, {}))).manifest,
    /** The plugin with its options and its grant, or that it is refused; or nothing: what is wrong is among the diagnostics. */
    load,
    /** Likewise, with what a checker looks at. */
    async loadCheck(
      check: PluginUse & { readonly target: CheckTarget | undefined },
      place: Place,
    ): Promise<(LoadedUse & Pick<CheckSpec, "target">) | RefusedUse | undefined> {
      const loaded = await load(check, check.target === undefined ? ["check"] : ["checker"], place);
      if (loaded === undefined || "refused" in loaded) return loaded;
      const { target = null } = check;
      return { ...loaded, target, grant: withTarget(loaded.grant, target) };
    },
    async stop(): Promise<void> {
      if (evaluators.size === 0) return;
      for (const evaluator of evaluators.values()) evaluator.stop();
      await stopBundler();
    },
  };
}

/** A package may have the name of a group that the configuration did not put it in. */
function trustGroupOf(
  package_: string | undefined,
  trustGroups: SandboxConfiguration["trustGroups"],
): string {
  if (package_ === undefined) return OPERATOR;
  if (Object.hasOwn(trustGroups, package_)) return trustGroups[package_] ?? OPERATOR;
  const taken = [OPERATOR, ...Object.values(trustGroups)].includes(package_);
  return taken ? `package ${package_}` : package_;
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

async function bundleOrThrow(path: string, known?: KnownFile): Promise<PluginBundle> {
  const result = await bundle(path, known);
  if (!result.ok) throw new ConfigurationError(result.diagnostics);
  return result.bundle;
}

/** What evaluating a file came to, with the line where the source map knows it. */
export function describeError(error: PluginError, file: string): Diagnostic {
  const place = error.file ?? file;
  // What it names is the plugin's own word: who reads it may be root.
  const near = resolve(place).startsWith(`${dirname(file)}/`);
  const lineText = error.line !== undefined && near ? readLine(place, error.line) : undefined;
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
    // A source map says which file this is, and it is somebody else's.
    return readPlainFile(file).toString("utf8").split("\n")[line - 1];
  } catch {
    return undefined;
  }
}
