/**
 * The built form of a plugin package: one bundled module with the SDK in it, its source map, its types, and a manifest
 * that is read from the code itself. The same source makes the same octets, wherever it is built.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Message, Plugin } from "esbuild";
import * as z from "zod";
import type { Diagnostic } from "../config/diagnostic.ts";
import type { Evaluator } from "../config/evaluator.ts";
import type { KnownFile } from "./bundle.ts";
import { bundle, describe, sandboxModules } from "./bundle.ts";
import { asWritten } from "./grant.ts";
import type { Manifest, Parsed } from "./manifest.ts";
import { parseManifest, permissions } from "./manifest.ts";
import { jsonSchemaOf, typesOf } from "./options-schema.ts";

export const SOURCE = "src/index.ts";
/** Where the built files are in a package. */
export const BUILT = {
  bundle: "dist/index.js",
  sourceMap: "dist/index.js.map",
  types: "dist/index.d.ts",
  manifest: "dist/manifest.json",
} as const;
const MANIFEST_VERSION = 1;
const SDK_ENTRY = fileURLToPath(import.meta.resolve("@karuntime/sdk"));

/** What `dist/manifest.json` says. */
export const packageManifest = z.strictObject({
  manifestVersion: z.literal(MANIFEST_VERSION),
  kind: z.enum(["check", "checker", "notifier"]),
  /** The version of the SDK in the bundle. */
  sdk: z.string(),
  /** Of the bundle. */
  sha256: z.string(),
  permissions,
  /** As JSON Schema. */
  options: z.record(z.string(), z.unknown()),
});

export interface BuiltPlugin {
  /** The text of each file of BUILT, by its path. */
  readonly files: Readonly<Record<string, string>>;
  readonly manifest: Manifest;
}

/** The version of the SDK that this installation puts into bundles, and speaks. */
export function sdkVersion(): string {
  const file = join(SDK_ENTRY, "../../package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

/** Whether a bundle with that version of the SDK finds here what it needs: nothing later, and nothing that broke since. */
export function speaks(theirs: string, ours = sdkVersion()): boolean {
  const [major, minor] = numbers(theirs);
  const [ourMajor, ourMinor] = numbers(ours);
  if (major === undefined || minor === undefined || major !== ourMajor) return false;
  return major === 0 ? minor === ourMinor : minor <= (ourMinor ?? 0);
}

function numbers(version: string): readonly number[] {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+(?:[-+]|$)/.exec(version) ?? [];
  return major === undefined ? [] : [Number(major), Number(minor)];
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Makes the built files of the package in this folder, and writes none. */
export async function buildPlugin(
  directory: string,
  evaluator: Evaluator,
): Promise<Parsed<BuiltPlugin>> {
  const module = await bundleModule(resolve(directory), sandboxModules);
  if (!module.ok) return module;
  const manifest = await evaluateModule(join(directory, BUILT.bundle), module.value, evaluator);
  if (!manifest.ok) return manifest;
  return {
    ok: true,
    value: { manifest: manifest.value, files: filesOf(module.value, manifest.value) },
  };
}

/** All built files of a module that was bundled. */
export function filesOf({ text, sourceMap }: KnownFile, manifest: Manifest): BuiltPlugin["files"] {
  return {
    [BUILT.bundle]: text,
    [BUILT.sourceMap]: sourceMap,
    [BUILT.types]: typesOf(manifest),
    [BUILT.manifest]: manifestText(manifest, text),
  };
}

function manifestText({ kind, permissions: wish, options }: Manifest, code: string): string {
  const manifest = {
    manifestVersion: MANIFEST_VERSION,
    kind,
    sdk: sdkVersion(),
    sha256: sha256(code),
    permissions: asWritten(wish),
    options: jsonSchemaOf(options),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Evaluates a built module in the sandbox and reads what it asks for. */
export async function evaluateModule(
  file: string,
  built: KnownFile,
  evaluator: Evaluator,
): Promise<Parsed<Manifest>> {
  const bundling = await bundle(file, built);
  if (!bundling.ok) return bundling;
  const evaluation = await evaluator.evaluate(bundling.bundle, {});
  if (evaluation.ok) return parseManifest(evaluation.value, file);
  const { error } = evaluation;
  const failed: Diagnostic = {
    severity: "error",
    code: "plugin.evaluation",
    message: error.message,
    file: error.file ?? file,
    ...(error.line === undefined ? {} : { line: error.line }),
    ...(error.column === undefined ? {} : { column: error.column }),
  };
  return { ok: false, diagnostics: [failed] };
}

/** @param modules where imports lead to, other than that of the SDK. */
export async function bundleModule(directory: string, modules: Plugin): Promise<Parsed<KnownFile>> {
  const entry = join(directory, SOURCE);
  const { build } = await import("esbuild");
  try {
    const { outputFiles } = await build({
      // Every name of a file in the output is relative to this.
      absWorkingDir: directory,
      entryPoints: [SOURCE],
      outfile: BUILT.bundle,
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2024",
      charset: "utf8",
      sourcemap: "linked",
      sourcesContent: true,
      logLevel: "silent",
      plugins: [sdkByName, modules],
      tsconfigRaw: {},
    });
    const text = (name: string): string =>
      outputFiles.find(({ path }) => relative(directory, path) === name)?.text ?? "";
    return { ok: true, value: { text: text(BUILT.bundle), sourceMap: text(BUILT.sourceMap) } };
  } catch (error) {
    const messages = (error as { readonly errors?: readonly Message[] }).errors;
    if (messages === undefined) throw error;
    return {
      ok: false,
      diagnostics: messages.map((message) => describe(message, entry, directory)),
    };
  }
}

/** The SDK under a name that does not tell where it is installed. */
const sdkByName: Plugin = {
  name: "sdk-by-name",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@karuntime\/sdk$/ }, () => ({
      path: "@karuntime/sdk/dist/index.js",
      namespace: "installed",
    }));
    onLoad({ filter: /.*/, namespace: "installed" }, () => ({
      contents: readFileSync(SDK_ENTRY, "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, ""),
      loader: "js",
    }));
  },
};
