/**
 * Whether a package's bundle is what the source in the package makes. It is built again in memory, from `src/` and, for what
 * came from elsewhere, from the source map, so that whoever reads those two has read what runs.
 */
import { dirname, join, posix } from "node:path";
import type { OnResolveArgs, Plugin } from "esbuild";
import * as z from "zod";
import { BUILT, bundleModule, filesOf, packageManifest, sdkVersion, SOURCE } from "./build.ts";
import type { Manifest } from "./manifest.ts";
import type { PackageFiles } from "./package.ts";
import { shown } from "./words.ts";

export type Reproduction =
  | { readonly type: "same" }
  /** Names of built files. */
  | { readonly type: "different"; readonly files: readonly string[] }
  | { readonly type: "unknown"; readonly reason: string };

/** It does not exist. Sources of a workspace or of packages lie above the package: so many folders may. */
const PLACE = "/1/2/3/4/5/6/7/8/package";
const ABOVE = /^(?:\.\.\/){10}/;
const MODULES = "/node_modules/";

const sourceMap = z.object({
  sources: z.array(z.string()),
  sourcesContent: z.array(z.string().nullable()),
});

/** @param manifest what the bundle in the package declares. */
export async function reproduce(
  { files }: PackageFiles,
  manifest: Manifest,
): Promise<Reproduction> {
  const unknown = (reason: string): Reproduction => ({ type: "unknown", reason });
  if (!files.has(SOURCE)) return unknown(`${SOURCE} is not in the package`);
  const text = (name: string): string => files.get(name)?.toString("utf8") ?? "";
  const { sdk } = packageManifest.parse(JSON.parse(text(BUILT.manifest)));
  if (sdk !== sdkVersion())
    return unknown(
      `it was built with version ${shown(sdk)} of the SDK, and this karuntime has ${sdkVersion()}`,
    );
  const sources = sourcesOf(files);
  // esbuild would open it.
  if ([...sources.values()].some((source) => source.includes("sourceMappingURL=")))
    return unknown("a source names a source map of its own");
  const built = await bundleModule(PLACE, knownSources(sources));
  if (!built.ok)
    return unknown(built.diagnostics[0]?.message ?? `${SOURCE} cannot be built by itself`);
  const rebuilt = filesOf(built.value, manifest);
  const different = Object.keys(rebuilt).filter((name) => rebuilt[name] !== text(name));
  if (different.length === 0) return { type: "same" };
  // How a package's modules are joined also depends on its package.json, which is not in the source map.
  return [...sources.keys()].some((name) => name.includes(MODULES))
    ? unknown("it holds packages from npm, which do not come out the same without all their files")
    : { type: "different", files: different };
}

/** The text of each module by its path, as if the package were at PLACE. */
function sourcesOf(files: PackageFiles["files"]): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const map = sourceMap.safeParse(parsed(files.get(BUILT.sourceMap)));
  for (const [index, name] of (map.data?.sources ?? []).entries()) {
    const content = map.data?.sourcesContent[index];
    if (typeof content === "string" && name.startsWith("../") && !ABOVE.test(name))
      sources.set(join(PLACE, dirname(BUILT.bundle), name), content);
  }
  // What the package has itself counts as that, whatever the map says.
  for (const name of sources.keys()) if (name.startsWith(`${PLACE}/`)) sources.delete(name);
  for (const [name, data] of files)
    if (name.startsWith("src/")) sources.set(join(PLACE, name), data.toString("utf8"));
  return sources;
}

function parsed(data: Buffer | undefined): unknown {
  try {
    return JSON.parse(data?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}

/** These modules and no file. */
function knownSources(sources: ReadonlyMap<string, string>): Plugin {
  const refuse = (text: string) => ({ errors: [{ text }] });
  return {
    name: "known-sources",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, (asked) => {
        const path = candidates(asked).find((candidate) => sources.has(candidate));
        return path === undefined
          ? refuse(`it imports ${shown(asked.path)}, whose source is not in the package`)
          : { path };
      });
      // An import by a pattern is looked up without asking the above.
      onLoad({ filter: /.*/, namespace: "file" }, ({ path }) => {
        const contents = sources.get(path);
        return contents === undefined
          ? refuse(`${shown(path)} is not in the package`)
          : { contents, loader: /\.[cm]?ts$/.test(path) ? "ts" : "default" };
      });
    },
  };
}

/** Where an import may lead to, the likeliest first. */
function candidates({ path, importer, kind }: OnResolveArgs): readonly string[] {
  if (kind === "entry-point") return [join(PLACE, path)];
  const from = dirname(importer);
  const bases = /^\.{0,2}\//.test(path)
    ? [posix.resolve(from, path)]
    : above(from).map((folder) => join(folder, MODULES, path));
  return bases.flatMap((base) => [
    base,
    base.replace(/\.js$/, ".ts"),
    ...[".ts", ".js", ".json", "/index.ts", "/index.js"].map((end) => `${base}${end}`),
  ]);
}

/** The folder and all those that it is in. */
function above(folder: string): readonly string[] {
  return folder === "/" ? [folder] : [folder, ...above(dirname(folder))];
}
