/**
 * Builds, verifies and packs every first-party plugin, as `karuntime plugin pack` does for anybody's.
 *
 *   npm run pack-plugins               the tarballs into packed/
 *   npm run pack-plugins -- FOLDER     into another folder
 */
import { spawn } from "node:child_process";
import { globSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");
const AT_ONCE = 2;

const destination = resolve(process.argv[2] ?? join(root, "packed"));
mkdirSync(destination, { recursive: true });
const waiting = globSync("plugins/*/package.json", { cwd: root })
  .map((file) => join(root, file, ".."))
  .toSorted();
await Promise.all(Array.from({ length: AT_ONCE }, packNext));

async function packNext(): Promise<void> {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    const { status, output } = await pack(folder);
    if (status === 0) console.log(output.trim().split("\n").at(-1));
    else {
      process.exitCode = 1;
      console.error(output.trim());
    }
  }
}

/** The tarball goes to the working directory; its name is the last line. */
function pack(folder: string): Promise<{ readonly status: number; readonly output: string }> {
  return new Promise((done, reject) => {
    const child = spawn(PROGRAM, ["plugin", "pack", folder], { cwd: destination });
    let output = "";
    const take = (data: Buffer): void => void (output += data.toString());
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", reject);
    child.on("close", (status) => done({ status: status ?? 1, output }));
  });
}
