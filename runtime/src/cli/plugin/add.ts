/**
 * `karuntime plugin add`: fetches a package, shows what it asks for, and installs it when the operator agrees. What was agreed to
 * is written to karuntime.lock: this version, this bundle, these permissions.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { BUILT, sha256 } from "../../plugins/build.ts";
import { uncovered } from "../../plugins/grant.ts";
import type { Lock, LockedPlugin } from "../../plugins/lock.ts";
import { LOCK_FILE, readLock, writeLock } from "../../plugins/lock.ts";
import { NOTHING, permissions as permissionsSchema } from "../../plugins/manifest.ts";
import { lookAlike } from "../../plugins/names.ts";
import { readFolder, readTarball } from "../../plugins/package.ts";
import { verifyRelease } from "../../plugins/verify.ts";
import { inOneLine } from "../../plugins/words.ts";
import { npm, npmPack } from "../npm.ts";
import { refreshTypes } from "../types.ts";
import { inText, withEvaluator } from "./build.ts";
import { lockFolder } from "./installed.ts";
import { ageMs, warnOfAge } from "./release-age.ts";
import { inText as failuresInText, originInText } from "./verify.ts";

const REFUSED = 2;
/** NAME, NAME@VERSION, NAME@TAG or NAME@RANGE. */
const FROM_REGISTRY = /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?:@[\w.^~<>=|* -]+)?$/;

interface Offer extends LockedPlugin {
  readonly name: string;
  /** What npm installs. */
  readonly spec: string;
  /** Its kind, permissions and options for people. */
  readonly text: string;
}

export async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: "string", short: "c" },
      yes: { type: "boolean", short: "y", default: false },
      registry: { type: "string" },
      "min-age": { type: "string", default: "3d" },
    },
  });
  const [spec, ...others] = positionals;
  if (spec === undefined || others.length > 0)
    throw new Error("expected one package: karuntime plugin add NAME, NAME@VERSION or a tarball");
  // A folder or a repository is not a release: what is looked at would not be what npm installs.
  if (!isTarball(spec) && !FROM_REGISTRY.test(spec))
    throw new Error(
      `found ${JSON.stringify(spec)}, expected NAME, NAME@VERSION or a tarball; a folder becomes one with: karuntime plugin pack`,
    );
  const minAgeMs = ageMs(values["min-age"]);
  const folder = lockFolder(values.config);
  const lock = readLock(folder);
  const registry = values.registry === undefined ? [] : ["--registry", values.registry];
  const offer = await fetchOffer(spec, folder, registry);
  if (offer === undefined) return REFUSED;
  await warn(offer, spec, minAgeMs, registry, folder);
  process.stdout.write(`${offer.name} ${offer.version} is ${offer.text}\n${changes(offer, lock)}`);
  if (!values.yes && !(await agreed(offer.name))) {
    process.stderr.write("karuntime: nothing is installed\n");
    return REFUSED;
  }
  await install(offer, folder, registry);
  const { version, integrity, kind, sha256: hash, grant } = offer;
  writeLock(folder, { ...lock, [offer.name]: { version, integrity, kind, sha256: hash, grant } });
  await refreshTypes(folder);
  process.stdout.write(
    `${offer.name} ${version} is installed; ${join(folder, LOCK_FILE)} says what it may do: ${inOneLine(grant)}\n`,
  );
  return 0;
}

/** Fetches the tarball and looks into it, before anything of it is where code is loaded from. */
async function fetchOffer(
  spec: string,
  project: string,
  registry: readonly string[],
): Promise<Offer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-add-"));
  const tarball = isTarball(spec);
  try {
    const packed = await npmPack(tarball ? resolve(spec) : spec, project, folder, registry);
    const content = await readTarball(join(folder, packed.filename));
    const { failures, manifest, reproduction } = await withEvaluator((evaluator) =>
      verifyRelease(content, evaluator),
    );
    const code = content.files.get(BUILT.bundle);
    if (failures.length > 0 || manifest === undefined || code === undefined) {
      process.stderr.write(
        `${failuresInText(spec, failures)}karuntime: nothing is installed: ${spec} breaks the rules for plugins; tell its author\n`,
      );
      return undefined;
    }
    const { name, version, integrity } = packed;
    return {
      name,
      version,
      integrity,
      kind: manifest.kind,
      sha256: sha256(code),
      grant: manifest.permissions,
      spec: tarball ? resolve(spec) : `${name}@${version}`,
      text: `${inText(manifest)}\n${originInText(reproduction)}`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isTarball(spec: string): boolean {
  return spec.endsWith(".tgz") && !/^[\w+]+:/.test(spec);
}

async function warn(
  { name, version }: Offer,
  spec: string,
  minAgeMs: number,
  registry: readonly string[],
  folder: string,
): Promise<void> {
  const own = lookAlike(name);
  if (own !== undefined)
    process.stderr.write(
      `warning: the name ${name} is one letter away from ${own}, which is karuntime's own\n`,
    );
  if (!isTarball(spec)) await warnOfAge({ name, version }, minAgeMs, registry, folder);
}

/** What it could not do in the version that is locked now. */
function changes(offer: Offer, lock: Lock): string {
  const before = Object.hasOwn(lock, offer.name) ? lock[offer.name] : undefined;
  if (before === undefined) return "";
  const wider = uncovered(offer.grant, before.grant);
  if (Object.keys(wider).length === 0)
    return `nothing that version ${before.version}, which is locked now, may not do\n`;
  const added = permissionsSchema.parse({ ...NOTHING, ...wider });
  return `more than version ${before.version}, which is locked now: ${inOneLine(added)}\n`;
}

/** Asks on a terminal. Without one, nobody can agree. */
async function agreed(name: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    process.stderr.write(
      "karuntime: there is no terminal to ask on; if you agree to this, say so with --yes\n",
    );
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`install ${name} and allow it that? [y/N] `);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** @throws Error when npm did not install what was shown; then it is taken out again. */
async function install(offer: Offer, folder: string, registry: readonly string[]): Promise<void> {
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", ...registry];
  const where = ["--prefix", folder];
  const { status } = await npm(
    ["install", offer.spec, "--save-exact", ...where, ...options],
    folder,
  );
  if (status !== 0) throw new Error("npm install failed: it says above why");
  const wrong = differs(offer, folder);
  if (wrong === undefined) return;
  await npm(["uninstall", offer.name, ...where, ...options], folder);
  throw new Error(
    `${offer.name} was taken out again: what npm installed is not what was shown (${wrong})`,
  );
}

function differs(offer: Offer, folder: string): string | undefined {
  const { files } = readFolder(join(folder, "node_modules", offer.name), "dist");
  const hash = sha256(files.get(BUILT.bundle) ?? "");
  if (hash !== offer.sha256) return `the bundle's sha256 is ${hash}, expected ${offer.sha256}`;
  const installed = installedIntegrity(folder, offer.name);
  return installed === offer.integrity
    ? undefined
    : `the integrity is ${String(installed)}, expected ${offer.integrity}`;
}

/** npm writes this for every installation, also where there is no package-lock.json. */
function installedIntegrity(folder: string, name: string): unknown {
  const file = join(folder, "node_modules", ".package-lock.json");
  const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: unknown }>>;
  };
  return packages[`node_modules/${name}`]?.integrity;
}
