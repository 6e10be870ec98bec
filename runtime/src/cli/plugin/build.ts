/** `karuntime plugin build` and `describe`: what a package's source makes, and what it declares. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigurationError } from "../../config/diagnostic.ts";
import type { Evaluator } from "../../config/evaluator.ts";
import { startEvaluator } from "../../config/evaluator.ts";
import type { BuiltPlugin } from "../../plugins/build.ts";
import { BUILT, buildPlugin, evaluateModule } from "../../plugins/build.ts";
import { stopBundler } from "../../plugins/bundle.ts";
import type { Manifest } from "../../plugins/manifest.ts";
import { helpOn, jsonSchemaOf } from "../../plugins/options-schema.ts";
import { builtFile, readFolder, readTarball } from "../../plugins/package.ts";
import { inWords } from "../../plugins/words.ts";

export async function build(argv: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true });
  await withEvaluator((evaluator) => buildInto(oneFolder(positionals, "build"), evaluator));
  return 0;
}

/** Builds the package and writes its dist/. @throws ConfigurationError when its source has errors. */
export async function buildInto(directory: string, evaluator: Evaluator): Promise<BuiltPlugin> {
  const built = await buildPlugin(directory, evaluator);
  if (!built.ok) throw new ConfigurationError(built.diagnostics);
  for (const [file, text] of Object.entries(built.value.files)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), text);
    process.stdout.write(`${relative(process.cwd(), join(directory, file))}\n`);
  }
  return built.value;
}

export async function describe(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { "json-schema": { type: "boolean", default: false } },
  });
  const what = oneFolder(positionals, "describe");
  const manifest = await withEvaluator(async (evaluator) => {
    const content = what.endsWith(".tgz") ? await readTarball(what) : readFolder(what, "dist");
    const built = builtFile(content);
    if (built === undefined)
      throw new Error(`${what} has no ${BUILT.bundle}: karuntime plugin build`);
    const evaluated = await evaluateModule(join(what, BUILT.bundle), built, evaluator);
    if (!evaluated.ok) throw new ConfigurationError(evaluated.diagnostics);
    return evaluated.value;
  });
  process.stdout.write(
    values["json-schema"]
      ? `${JSON.stringify(jsonSchemaOf(manifest.options), undefined, 2)}\n`
      : `${inText(manifest)}\n`,
  );
  return 0;
}

/** Both parts, as a person reads them. */
export function inText({ kind, permissions, options }: Manifest): string {
  const asks = inWords(permissions);
  const target = kind === "checker" ? ["connect to the server that it is to check"] : [];
  const lines = [...target, ...asks];
  const help = helpOn(options);
  return [
    `a ${kind} that asks to be allowed to`,
    ...(lines.length === 0 ? ["  - do nothing but look at its own options"] : []),
    ...lines.map((line) => `  - ${line}`),
    ...(lines.length === 0 ? [] : ["and nothing else"]),
    ...(help.length === 0
      ? ["it has no options"]
      : ["options", ...help.map((line) => `  ${line}`)]),
  ].join("\n");
}

export function oneFolder(positionals: readonly string[], command: string): string {
  const [directory = ".", ...others] = positionals;
  if (others.length > 0) throw new Error(`expected one folder: karuntime plugin ${command} [DIR]`);
  return resolve(directory);
}

/** Code of plugins runs in this process and nowhere else; it is ended with what is done here. */
export async function withEvaluator<T>(body: (evaluator: Evaluator) => Promise<T>): Promise<T> {
  const evaluator = startEvaluator();
  try {
    return await body(evaluator);
  } finally {
    evaluator.stop();
    await stopBundler();
  }
}
