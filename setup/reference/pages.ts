/** Which pages the reference has, and what stands on each. */
import { fileURLToPath } from "node:url";
import type { Definition, Module } from "./source.ts";
import { readModule, referencesIn } from "./source.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface PageDescription {
  /** Relative to the root. */
  readonly file: string;
  readonly title: string;
  readonly introduction: string;
  /** What users import, and the file behind it. */
  readonly modules: Readonly<Record<string, string>>;
  /** A file with what plugins find without importing it. */
  readonly globals?: string;
}

export const PAGES: readonly PageDescription[] = [
  {
    file: "docs/sdk.md",
    title: "Reference of the SDK",
    introduction:
      "What a plugin imports from `@karuntime/sdk`, what its tests import, and what is there without an import. [plugins.md](plugins.md) is where to begin.",
    modules: {
      "@karuntime/sdk": "sdk/src/index.ts",
      "@karuntime/sdk/testing": "sdk/src/testing.ts",
    },
    globals: "sdk/globals.d.ts",
  },
  {
    file: "docs/sdk-config.md",
    title: "Reference of the configuration",
    introduction:
      "What a `karuntime.config.ts` imports from `karuntime/config`, and all that it may say. [vrrp.md](vrrp.md) and [plugins.md](plugins.md) explain it.",
    modules: { "karuntime/config": "runtime/src/config/define.ts" },
  },
];

/** What one file contributes to a module. */
export interface Section {
  readonly module: Module;
  /** In the order of the file, functions first. */
  readonly definitions: readonly Definition[];
}

export interface Page {
  readonly description: PageDescription;
  /** By what users import. */
  readonly modules: ReadonlyMap<string, readonly Section[]>;
}

export function readPages(): readonly Page[] {
  return PAGES.map((description) => ({
    description,
    modules: new Map(
      Object.entries(description.modules).map(([name, file]) => [
        name,
        sectionsOf(`${root}${file}`),
      ]),
    ),
  }));
}

/** The file's own definitions, then those of the files that it passes on. */
function sectionsOf(file: string, names: readonly string[] | "all" = "all"): readonly Section[] {
  const module = readModule(file);
  const shown = new Set(
    module.definitions
      .filter(({ name, exported }) => exported && (names === "all" || names.includes(name)))
      .map(({ name }) => name),
  );
  // What the shown ones refer to is shown too, exported or not.
  for (const name of shown)
    for (const reference of referencesIn(signatureOf(module, name)))
      if (module.definitions.some((definition) => definition.name === reference.name))
        shown.add(reference.name);
  // What has a name only to be written once is not: an alias that is not exported.
  const definitions = module.definitions.filter(
    ({ name, exported, node }) =>
      shown.has(name) && (exported || node.type !== "TSTypeAliasDeclaration"),
  );
  const functions = definitions.filter(isFunction);
  const others = definitions.filter((definition) => !isFunction(definition));
  return [
    { module, definitions: [...functions, ...others] },
    ...module.passed.flatMap((passed) => sectionsOf(passed.file, passed.names)),
  ].filter((section) => section.definitions.length > 0);
}

export function isFunction({ node }: Definition): boolean {
  return node.type === "FunctionDeclaration" || node.type === "TSDeclareFunction";
}

/** A definition without the body of a function. */
function signatureOf({ definitions }: Module, name: string): unknown {
  return definitions
    .filter((definition) => definition.name === name)
    .map((definition) =>
      isFunction(definition)
        ? [
            definition.node["typeParameters"],
            definition.node["params"],
            definition.node["returnType"],
          ]
        : definition.node,
    );
}
