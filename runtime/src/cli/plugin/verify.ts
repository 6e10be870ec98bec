/** `karuntime plugin verify`: a package's folder, or a tarball, held against the rules. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { ConfigurationError } from "../../config/diagnostic.ts";
import type { Evaluator } from "../../config/evaluator.ts";
import { buildPlugin } from "../../plugins/build.ts";
import { readTarball } from "../../plugins/package.ts";
import type { Failure } from "../../plugins/verify.ts";
import type { Reproduction } from "../../plugins/reproduce.ts";
import { verifyPackage, verifyRelease, verifyReproduced } from "../../plugins/verify.ts";
import { npmPack } from "../npm.ts";
import { oneFolder, withEvaluator } from "./build.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { positionals } = parseArgs({ args: [...argv], allowPositionals: true });
  const what = oneFolder(positionals, "verify");
  const { failures, origin } = await withEvaluator((evaluator) => verify(what, evaluator));
  const name = relative(process.cwd(), what) || ".";
  process.stdout.write(failures.length === 0 ? `${name} is good: ${origin}\n` : "");
  process.stderr.write(inText(name, failures));
  return failures.length === 0 ? 0 : 2;
}

interface Verdict {
  readonly failures: readonly Failure[];
  /** What is known of where its bundle comes from. */
  readonly origin: string;
}

async function verify(what: string, evaluator: Evaluator): Promise<Verdict> {
  if (what.endsWith(".tgz")) {
    const release = await verifyRelease(await readTarball(what), evaluator);
    return { failures: release.failures, origin: originInText(release.reproduction) };
  }
  const folder = mkdtempSync(join(tmpdir(), "karuntime-verify-"));
  try {
    const { filename } = await npmPack("", what, folder);
    const failures = await verifyPacked(what, join(folder, filename), evaluator);
    return { failures, origin: originInText({ type: "same" }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of a package without failures. */
export function originInText(reproduction: Reproduction | undefined): string {
  return reproduction?.type === "unknown"
    ? `but whether its bundle is what its source makes cannot be told: ${plain(reproduction.reason)}`
    : "its bundle is what its source makes";
}

/** Holds the tarball of a folder against the rules, and against what the folder's source makes. */
export async function verifyPacked(
  directory: string,
  tarball: string,
  evaluator: Evaluator,
): Promise<readonly Failure[]> {
  const content = await readTarball(tarball);
  const { failures } = await verifyPackage(content, evaluator);
  const rebuilt = [await rebuild(directory, evaluator), await rebuild(directory, evaluator)];
  return [...failures, ...verifyReproduced(content, rebuilt)];
}

async function rebuild(
  directory: string,
  evaluator: Evaluator,
): Promise<Readonly<Record<string, string>>> {
  const built = await buildPlugin(directory, evaluator);
  if (!built.ok) throw new ConfigurationError(built.diagnostics);
  return built.value.files;
}

export function inText(name: string, failures: readonly Failure[]): string {
  return plain(
    failures
      .map(({ message, remedy }) => `${name}: error: ${message}\n  hint: ${remedy}\n`)
      .join(""),
  );
}

/** Messages may quote what the plugin's code said: no more of it than plain text reaches a terminal. */
function plain(text: string): string {
  return text.replaceAll(/[^\n\u0020-\u007e]/g, "?");
}
