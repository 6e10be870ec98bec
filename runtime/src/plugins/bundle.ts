/**
 * Makes one script of a plugin or a configuration and all that it imports, by esbuild. The SDK comes from this
 * installation; what a sandbox does not have is refused with a remedy.
 */
import { createHash } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  BuildOptions,
  Message,
  OnLoadResult,
  OutputFile,
  PartialMessage,
  Plugin,
} from "esbuild";
import type { Diagnostic } from "../config/diagnostic.ts";
import type { PluginBundle } from "../sandbox/protocol.ts";

/** Where the bundle leaves the module's exports, inside the isolate. */
const GLOBAL_NAME = "__karuntimeModule";
const NO_SOURCE_MAP = '{"version":3,"sources":[],"mappings":""}';
const CODE_BYTES_MAX = 4 * 1024 * 1024;

export type Bundling =
  | { readonly ok: true; readonly bundle: PluginBundle }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const REMEDIES: Readonly<Record<string, string>> = {
  child_process:
    "a plugin starts no commands; ask for a service action: services.start(name), with permissions.services",
  fs: "a plugin reads no files; count processes with processes.count(name), or ask the service itself with fetch(url)",
  http: "use fetch(url) of the check's context, with permissions.net",
  https: "use fetch(url) of the check's context, with permissions.net",
  net: "use fetch(url) of the check's context, with permissions.net",
  process: "use the options that the configuration sets, or env() in karuntime.config.ts",
};

/** What a built file is known to hold. */
export interface KnownFile {
  readonly text: string;
  /** "" when there is none. */
  readonly sourceMap: string;
}

/**
 * Bundles the module at `file`.
 *
 * @param known then this is bundled and no file is read; an import is an error.
 * @returns the bundle, or every error that esbuild found, each with its place.
 */
export async function bundle(file: string, known?: KnownFile): Promise<Bundling> {
  // Loaded only when needed: the daemon outlives its bundling by far.
  const { build } = await import("esbuild");
  return take(file, () => build(optionsFor(file, known)));
}

/** Bundles one module again and again. */
export interface Bundler {
  build(): Promise<Bundling>;
  /** The files that the last good bundle was made of, absolute; the module itself before there is one. */
  inputs(): readonly string[];
  stop(): Promise<void>;
}

/** Like `bundle`; what did not change is not read again. */
export async function createBundler(file: string): Promise<Bundler> {
  const { context } = await import("esbuild");
  const esbuild = await context({ ...optionsFor(file), metafile: true });
  let inputs: readonly string[] = [file];
  return {
    build: () =>
      take(file, async () => {
        const result = await esbuild.rebuild();
        inputs = Object.keys(result.metafile.inputs).map((input) => resolve(dirname(file), input));
        return result;
      }),
    inputs: () => inputs,
    // Others may still use esbuild's service process; it ends with this one.
    stop: () => esbuild.dispose(),
  };
}

function optionsFor(file: string, known?: KnownFile) {
  return {
    // esbuild names files relative to this. Otherwise that is the working directory, as it was when esbuild was loaded.
    absWorkingDir: dirname(file),
    entryPoints: [file],
    outfile: `${file}.bundle.js`,
    bundle: true,
    write: false,
    format: "iife",
    globalName: GLOBAL_NAME,
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    // What the author wrote as a module is strict.
    banner: { js: '"use strict";' },
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    plugins: [known === undefined ? sandboxModules : alone(file, known)],
    tsconfigRaw: {},
  } satisfies BuildOptions;
}

async function take(
  file: string,
  build: () => Promise<{ readonly outputFiles: readonly OutputFile[] }>,
): Promise<Bundling> {
  try {
    const { outputFiles } = await build();
    const code = outputFiles.find((output) => output.path.endsWith(".js"))?.text ?? "";
    const sourceMap = outputFiles.find((output) => output.path.endsWith(".map"))?.text ?? "";
    if (code.length > CODE_BYTES_MAX)
      return refuse(
        file,
        `the bundle has ${code.length} bytes, expected at most ${CODE_BYTES_MAX}`,
      );
    return {
      ok: true,
      bundle: { file, hash: createHash("sha256").update(code).digest("hex"), code, sourceMap },
    };
  } catch (error) {
    const messages = (error as { readonly errors?: readonly Message[] }).errors;
    if (messages === undefined) throw error;
    if (messages.some(({ text }) => text === `Could not resolve ${JSON.stringify(file)}`))
      return refuse(file, "there is no such file");
    return { ok: false, diagnostics: messages.map((message) => describe(message, file)) };
  }
}

/** Ends esbuild's service process, if one was started. */
export async function stopBundler(): Promise<void> {
  const { stop } = await import("esbuild");
  await stop();
}

const MODULES = "/node_modules/";
const RESOLVING = Symbol("resolving");
const SDK = fileURLToPath(import.meta.resolve("@karuntime/sdk"));
const CONFIG = fileURLToPath(new URL("../config/define.js", import.meta.url));
const OWN_FILES = new Set([SDK, CONFIG]);

/** One file, with this text. */
function alone(file: string, { text, sourceMap }: KnownFile): Plugin {
  // The last one counts: whatever the text names itself is not opened.
  const url = dataUrl(sourceMap || NO_SOURCE_MAP);
  return {
    name: "alone",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path, kind }) =>
        kind === "entry-point"
          ? { path: file }
          : { errors: [{ text: `${JSON.stringify(path)} is left outside the bundle` }] },
      );
      onLoad({ filter: /.*/ }, () => ({
        contents: `${text}\n//# sourceMappingURL=${url}\n`,
        loader: "js",
        resolveDir: dirname(file),
      }));
    },
  };
}

/** What an import in a plugin or a configuration leads to. */
export const sandboxModules: Plugin = {
  name: "sandbox-modules",
  setup({ onLoad, onResolve, resolve }) {
    const named = new Set(OWN_FILES);
    onResolve({ filter: /^@karuntime\/sdk$/ }, () => ({
      path: SDK,
    }));
    onResolve({ filter: /^karuntime\/config$/ }, () => ({
      path: CONFIG,
    }));
    onResolve({ filter: /^[^./]/ }, ({ path }) => {
      if (!isBuiltin(path)) return undefined;
      const name = path.replace(/^node:/, "").split("/")[0] ?? "";
      return refuseImport(
        `${JSON.stringify(path)} does not exist in the sandbox`,
        REMEDIES[name] ??
          "a plugin has the language itself, what its context offers, and packages that need nothing else",
      );
    });
    onResolve({ filter: /./ }, async ({ path, pluginData, ...asked }) => {
      // Asked by the line below.
      if (pluginData === RESOLVING) return undefined;
      const found = await resolve(path, { ...asked, pluginData: RESOLVING });
      if (found.errors.length > 0 || found.namespace !== "file") return found;
      if (asked.importer.includes(MODULES) && !isInstalledFor(asked.importer, found.path))
        return refuseImport(
          `${JSON.stringify(path)} lies outside the project's node_modules`,
          "an installed package is made of files of installed packages, and of no others",
        );
      named.add(found.path);
      return { ...found, pluginData: undefined };
    });
    // A pattern, as in import(`./${name}.js`), is looked up by esbuild without asking anybody who may have what it finds.
    onLoad({ filter: /./, namespace: "file" }, ({ path }) => {
      if (!named.has(path))
        return refuseImport(`${path} is imported by a pattern`, "import each file by its name");
      return path.includes(MODULES) ? withoutStrangeMap(path) : undefined;
    });
  },
};

/** esbuild opens whatever an installed file calls its source map: also what is endless, or not that package's to read. */
function withoutStrangeMap(path: string): OnLoadResult | undefined {
  const text = readFileSync(path, "utf8");
  const named = [...text.matchAll(/sourceMappingURL=([^\n]*)/g)].map(([, url]) => url ?? "");
  if (named.every((url) => url.startsWith("data:") || isMapBeside(path, url))) return undefined;
  // The last one counts.
  return {
    contents: `${text}\n//# sourceMappingURL=${dataUrl(NO_SOURCE_MAP)}\n`,
    loader: "default",
  };
}

function isMapBeside(path: string, url: string): boolean {
  const [, name] = /^([\w.-]+\.map)\r?$/.exec(url) ?? [];
  if (name === undefined) return false;
  return lstatSync(join(dirname(path), name), { throwIfNoEntry: false })?.isFile() === true;
}

function dataUrl(sourceMap: string): string {
  return `data:application/json;base64,${Buffer.from(sourceMap).toString("base64")}`;
}

function refuseImport(text: string, hint: string): { readonly errors: PartialMessage[] } {
  return { errors: [{ text, notes: [{ text: hint }] }] };
}

/**
 * Whether a file belongs to a package that an installed file may use. Who bundles may be root, and reads what the package
 * itself could not.
 */
function isInstalledFor(importer: string, file: string): boolean {
  if (OWN_FILES.has(file)) return true;
  const end = file.indexOf(MODULES);
  return end >= 0 && importer.startsWith(`${file.slice(0, end)}/`);
}

/**
 * An error of esbuild about the bundle of `file`.
 *
 * @param directory esbuild's working directory.
 */
export function describe(message: Message, file: string, directory = dirname(file)): Diagnostic {
  const { location, notes } = message;
  const hint = notes[0]?.text;
  return {
    severity: "error",
    code: "plugin.bundle",
    message: message.text,
    file: location === null ? file : resolve(directory, location.file),
    ...(location === null
      ? {}
      : { line: location.line, column: location.column + 1, lineText: location.lineText }),
    ...(hint === undefined || hint === "" ? {} : { hint }),
  };
}

function refuse(file: string, message: string): Bundling {
  return { ok: false, diagnostics: [{ severity: "error", code: "plugin.bundle", message, file }] };
}
