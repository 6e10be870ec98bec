/**
 * Makes the texts that isolates are filled with, as runtime/dist/sandbox/guest.json: the script that all begin with, and names
 * and texts of the web's interfaces in turn, each part bundled into one script. What is bundled in comes from packages whose
 * licences want to travel along: runtime/dist/sandbox/web-licenses.txt.
 */
import { globSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";
import { build } from "esbuild";
import { bootstrap } from "../runtime/dist/sandbox/bootstrap.js";
import { eager } from "./eager.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = `${root}runtime/src/sandbox/web`;
const target = `${root}runtime/dist/sandbox`;
const parts = ["events", "encoding", "url", "idna", "fetch", "crypto", "clone", "streams"];

/** whatwg-url takes its coders from the global object, which is the plugin's, and tr46 with all its tables. */
const particular: Readonly<Record<string, Pick<BuildOptions, "alias" | "inject">>> = {
  url: {
    alias: {
      tr46: `${source}/tr46.ts`,
      "@exodus/bytes/encoding.js": "@exodus/bytes/encoding-lite.js",
    },
    inject: [`${source}/url-globals.ts`],
  },
};

const texts: string[] = [eager(bootstrap)];
const packages = new Set<string>();
for (const part of parts) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`${source}/${part}.ts`],
    bundle: true,
    write: false,
    metafile: true,
    format: "cjs",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    minify: true,
    keepNames: true,
    legalComments: "none",
    tsconfigRaw: {},
    ...particular[part],
  });
  texts.push(part, outputFiles[0]?.text ?? "");
  for (const input of Object.keys(metafile.inputs)) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name !== undefined) packages.add(name);
  }
}
writeFileSync(`${target}/web-licenses.txt`, [...packages].toSorted().map(licenseOf).join("\n"));
// A sandbox host may be starting: it finds the old ones or the new ones.
writeFileSync(`${target}/guest.json.new`, JSON.stringify(texts));
renameSync(`${target}/guest.json.new`, `${target}/guest.json`);

function licenseOf(name: string): string {
  const [file] = globSync(`${root}node_modules/${name}/LICEN[CS]E*`);
  if (file === undefined) throw new Error(`${name} has no licence file; it must not be bundled in`);
  return `== ${name} (${basename(file)})\n\n${readFileSync(file, "utf8")}`;
}
