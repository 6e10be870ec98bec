/** `karuntime init`: a new project with a configuration, one check, and its test. It overwrites nothing. */
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeTemplate } from "./template.ts";
import { VERSION } from "./version.ts";

/** The files of a project, and where their templates are. */
const FILES: Readonly<Record<string, string>> = {
  "karuntime.config.ts": "karuntime.config.ts",
  "checks/nginx.ts": "checks/nginx.ts",
  "checks/nginx.test.ts": "checks/nginx.test.ts",
  // What `karuntime types` would write.
  "karuntime-env.d.ts": "karuntime-env.d.ts",
  "tsconfig.json": "tsconfig.template.json",
  "package.json": "package.template.json",
  "README.md": "README.template.md",
  ".gitignore": "gitignore",
};
const FALLBACK_INTERFACE = "eth0";

export async function run(argv: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: {} });
  const [directory = ".", ...others] = positionals;
  if (others.length > 0) throw new Error("expected one folder: karuntime init [DIR]");
  const folder = resolve(directory);
  const name = basename(folder);
  const words: Readonly<Record<string, string>> = {
    name,
    package: packageName(name),
    version: VERSION,
    interface: routeInterface() ?? FALLBACK_INTERFACE,
  };
  writeTemplate(folder, FILES, words);
  for (const file of Object.keys(FILES)) process.stdout.write(`${join(directory, file)}\n`);
  const enter = directory === "." ? "" : `cd ${directory} && `;
  process.stdout.write(
    `\nnext: ${enter}npm install && npm test, then set the address in karuntime.config.ts\n`,
  );
  return 0;
}

/** What npm takes for a name. */
function packageName(name: string): string {
  const bare = name.toLowerCase().replaceAll(/[^a-z0-9._-]/g, "-");
  return bare.replace(/^[._-]+/, "") || "karuntime-project";
}

/** The interface of the default route (proc(5), /proc/net/route). */
function routeInterface(): string | undefined {
  try {
    const lines = readFileSync("/proc/net/route", "utf8").split("\n").slice(1);
    const route = lines
      .map((line) => line.split("\t"))
      .find(([, destination]) => destination === "00000000");
    return route?.[0];
  } catch {
    return undefined;
  }
}
