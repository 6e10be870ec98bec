/** `karuntime plugin pack` and `publish`: what leaves the house is the tarball that was verified, and no script of it is run. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { npm, npmPack } from "../npm.ts";
import { buildInto, withEvaluator } from "./build.ts";
import { inText, verifyPacked } from "./verify.ts";

export async function pack(argv: readonly string[]): Promise<number> {
  return withTarball(argv, async (tarball, filename) => {
    copyFileSync(tarball, resolve(filename));
    process.stdout.write(`${filename}\n`);
    return 0;
  });
}

export async function publish(argv: readonly string[]): Promise<number> {
  return withTarball(argv, async (tarball, _, options) => {
    const argvOfNpm = ["publish", tarball, "--ignore-scripts", ...options];
    const { status, stdout } = await npm(argvOfNpm, process.cwd());
    process.stdout.write(stdout);
    return status;
  });
}

/** Builds and packs the folder that comes first, verifies the tarball, and hands it on; what else there is, is npm's. */
async function withTarball(
  argv: readonly string[],
  use: (tarball: string, filename: string, options: readonly string[]) => Promise<number>,
): Promise<number> {
  const named = argv[0] !== undefined && !argv[0].startsWith("-");
  const directory = resolve(named ? (argv[0] ?? ".") : ".");
  const options = named ? argv.slice(1) : argv;
  const folder = mkdtempSync(join(tmpdir(), "karuntime-pack-"));
  try {
    const packed = await withEvaluator(async (evaluator) => {
      await buildInto(directory, evaluator);
      const { filename } = await npmPack("", directory, folder);
      const failures = await verifyPacked(directory, join(folder, filename), evaluator);
      process.stderr.write(inText(relative(process.cwd(), directory) || ".", failures));
      return failures.length === 0 ? filename : undefined;
    });
    return packed === undefined ? 2 : await use(join(folder, packed), packed, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
