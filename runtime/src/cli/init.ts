/** `karuntime init`: a new project with a configuration, one check, and its test. It overwrites nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VERSION } from "./version.ts";

const TEMPLATE = fileURLToPath(new URL("../../template/", import.meta.url));
/** The files of a project, and where their templates are. npm leaves out some names, hence the others. */
const FILES: Readonly<Record<string, string>> = {
  "karuntime.config.ts": "karuntime.config.ts",
  "checks/nginx.ts": "checks/nginx.ts",
  "checks/nginx.test.ts": "checks/nginx.test.ts",
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
  const present = Object.keys(FILES).filter((name) => existsSync(join(folder, name)));
  if (present.length > 0)
    throw new Error(`nothing is written: ${folder} has ${present.join(", ")} already`);
  const name = basename(folder);
  const words: Readonly<Record<string, string>> = {
    name,
    package: packageName(name),
    version: VERSION,
    interface: routeInterface() ?? FALLBACK_INTERFACE,
  };
  for (const [file, template] of Object.entries(FILES)) {
    const text = readFileSync(join(TEMPLATE, template), "utf8");
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(
      join(folder, file),
      text.replaceAll(/\{\{(\w+)\}\}/g, (whole, word: string) => words[word] ?? whole),
    );
    process.stdout.write(`${join(directory, file)}\n`);
  }
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
