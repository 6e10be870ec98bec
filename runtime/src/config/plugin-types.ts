/**
 * `karuntime-env.d.ts`: what editors and the compiler know of the options of the plugins that a configuration names, or that are
 * installed for it. Where there is a type, it is imported, so that it is never older than the plugin.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { BUILT, packageManifest } from "../plugins/build.ts";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import { LOCK_FILE, readLock } from "../plugins/lock.ts";
import { KEYWORD } from "../plugins/names.ts";
import type { OptionsSchema } from "../plugins/options-schema.ts";
import { jsonSchemaOf, membersOf, optionsSchema, quoted } from "../plugins/options-schema.ts";
import { readPlainFile } from "../plugins/package.ts";
import { ConfigurationError } from "./diagnostic.ts";
import { createPlugins } from "./load-plugins.ts";
import { isPackage, locatePlugin } from "./plugin-use.ts";

export const TYPES_FILE = "karuntime-env.d.ts";

const HEAD = `// Written by \`karuntime types\`: the options of plugins, for editors and the compiler. Changes of it are lost.
`;

/** Where the types of a plugin's options come from. */
type Source =
  /** TypeScript, whose declarations of options have the types; the schema has the descriptions. */
  | { readonly type: "source"; readonly schema: OptionsSchema }
  /** A package with its types. */
  | { readonly type: "types" }
  | { readonly type: "schema"; readonly schema: OptionsSchema };

export interface PluginTypes {
  readonly text: string;
  /** The plugins that it knows. */
  readonly plugins: readonly string[];
  /** For each of the others, why it is not there: its options are not checked. */
  readonly unknown: readonly string[];
}

/**
 * Reads the configuration and evaluates the plugins' own files, as `validate` does.
 *
 * @param file a TypeScript configuration. It need not be right, nor its environment be there, as long as it can be bundled.
 * @throws ConfigurationError when it cannot.
 */
export async function pluginTypes(file: string): Promise<PluginTypes> {
  const plugins = createPlugins();
  const known = new Map<string, Source>();
  const unknown: string[] = [];
  try {
    const bundling = await bundle(file);
    if (!bundling.ok) throw new ConfigurationError(bundling.diagnostics);
    const names = [...pluginsIn(bundling.bundle.code), ...installed(dirname(file))];
    for (const name of [...new Set(names)].toSorted()) {
      try {
        known.set(name, await sourceOf(name, file, plugins.declared));
      } catch (error) {
        unknown.push(`${name}: ${reason(error)}`);
      }
    }
  } finally {
    await plugins.stop();
    await stopBundler();
  }
  return { text: textOf(known), plugins: [...known.keys()], unknown };
}

/** What stands in `plugin`, as esbuild writes it. A name that is computed has no type of its own that could be looked up. */
function pluginsIn(code: string): readonly string[] {
  return [...code.matchAll(/\bplugin: ("(?:[^"\\\n]|\\.)*")/g)].map(([, literal = ""]) => {
    // JavaScript's escapes that JSON does not have.
    const json = literal.replaceAll(
      /\\x(..)|\\u\{(\w+)\}/g,
      (_, octet: string | undefined, point: string | undefined) =>
        JSON.stringify(String.fromCodePoint(Number.parseInt(octet ?? point ?? "", 16))).slice(
          1,
          -1,
        ),
    );
    return JSON.parse(json) as string;
  });
}

/** Plugins that could be named: what is in the lock, and what the project depends on and calls itself a plugin. */
function installed(folder: string): readonly string[] {
  const { dependencies = {}, devDependencies = {} } = packageJson(join(folder, "package.json"));
  const depended = Object.keys({ ...dependencies, ...devDependencies }).filter((name) =>
    packageJson(join(folder, "node_modules", name, "package.json")).keywords?.includes(KEYWORD),
  );
  return [
    ...(existsSync(join(folder, LOCK_FILE)) ? Object.keys(readLock(folder)) : []),
    ...depended,
  ];
}

const packageFile = z.object({
  dependencies: z.record(z.string(), z.unknown()).optional(),
  devDependencies: z.record(z.string(), z.unknown()).optional(),
  keywords: z.array(z.unknown()).optional(),
});

/** What is no package.json says nothing. */
function packageJson(file: string): z.infer<typeof packageFile> {
  try {
    return packageFile.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return {};
  }
}

async function sourceOf(
  plugin: string,
  configuration: string,
  declared: ReturnType<typeof createPlugins>["declared"],
): Promise<Source> {
  const located = locatePlugin(plugin, configuration);
  if (!located.ok) throw new Error(located.reason);
  const built = isPackage(plugin) && located.file.endsWith(`/${BUILT.bundle}`);
  if (built) {
    const folder = located.file.slice(0, -BUILT.bundle.length);
    if (existsSync(join(folder, BUILT.types))) return { type: "types" };
    const manifest: unknown = JSON.parse(
      readPlainFile(join(folder, BUILT.manifest)).toString("utf8"),
    );
    return { type: "schema", schema: optionsSchema.parse(packageManifest.parse(manifest).options) };
  }
  const { options } = await declared(located);
  const type = /\.[cm]?ts$/.test(located.file) ? "source" : "schema";
  return { type, schema: optionsSchema.parse(jsonSchemaOf(options)) };
}

function reason(error: unknown): string {
  if (error instanceof ConfigurationError)
    return error.diagnostics.map(({ message }) => message).join("; ");
  return error instanceof Error ? error.message : String(error);
}

function textOf(plugins: ReadonlyMap<string, Source>): string {
  const names = new Set<string>();
  const entries = [...plugins].map(([plugin, source]) => {
    const name = typeName(plugin, names);
    return { text: declarationOf(plugin, source, name), member: `${quoted(plugin)}: ${name};` };
  });
  const imported = [...plugins.values()].some(({ type }) => type === "source")
    ? `import type { Described, OptionsOf } from "karuntime/config";\n`
    : "export {};\n";
  const members = entries.map(({ member }) => `    ${member}\n`).join("");
  return `${HEAD}${imported}
declare module "karuntime/config" {
  interface PluginOptions {
${members}  }
}
${entries.map(({ text }) => `\n${text}`).join("")}`;
}

/** "./checks/nginx.ts" as "ChecksNginx", and no two alike. */
function typeName(plugin: string, taken: Set<string>): string {
  const words = plugin.replace(/\.[cm]?[jt]s$/, "").match(/[A-Za-z0-9]+/g) ?? [];
  const name = words.map((word) => `${word[0]?.toUpperCase() ?? ""}${word.slice(1)}`).join("");
  const plain = /^[A-Za-z]/.test(name) ? name : `Plugin${name}`;
  let unique = plain;
  for (let number = 2; taken.has(unique); number++) unique = `${plain}_${number}`;
  taken.add(unique);
  return unique;
}

function declarationOf(plugin: string, source: Source, name: string): string {
  const place = quoted(plugin);
  switch (source.type) {
    case "types":
      return `type ${name} = import(${place}).Options;\n`;
    case "schema":
      return `interface ${name} {\n${membersOf(source.schema)}}\n`;
    case "source": {
      const declared = `OptionsOf<typeof import(${place}).default>`;
      const said = membersOf(described(source.schema), () => "unknown");
      if (said === "") return `interface ${name} extends ${declared} {}\n`;
      return `interface ${name} extends Described<\n  ${declared},\n  ${name}Descriptions\n> {}\n\ninterface ${name}Descriptions {\n${said}}\n`;
    }
  }
}

/** What has a description, none of it required. */
function described({ properties }: OptionsSchema): OptionsSchema {
  const entries = Object.entries(properties).filter(
    ([, { description = "" }]) => description !== "",
  );
  return { properties: Object.fromEntries(entries), required: [] };
}
