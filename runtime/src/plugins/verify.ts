/** The rules for a plugin package. Each failure says what was found, and what to do. */
import type { Evaluator } from "../config/evaluator.ts";
import { formatDiagnostic } from "../config/diagnostic.ts";
import type { Permissions } from "../sandbox/protocol.ts";
import { BUILT, evaluateModule, packageManifest, sdkVersion, sha256, speaks } from "./build.ts";
import { uncovered } from "./grant.ts";
import type { Manifest } from "./manifest.ts";
import { isPluginName, KEYWORD } from "./names.ts";
import { jsonSchemaOf } from "./options-schema.ts";
import type { PackageFiles, PackageJson } from "./package.ts";
import { builtFile, packageJsonOf } from "./package.ts";
import type { Reproduction } from "./reproduce.ts";
import { reproduce } from "./reproduce.ts";
import { shown } from "./words.ts";

export interface Failure {
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

export interface Verified {
  readonly failures: readonly Failure[];
  /** What the code itself declares; undefined when it could not be evaluated. */
  readonly manifest: Manifest | undefined;
}

/** What npm runs by itself, on the machine of whoever installs, packs or publishes. */
const SCRIPTS = [
  "preinstall",
  "install",
  "postinstall",
  "preprepare",
  "prepare",
  "postprepare",
  "prepublish",
  "dependencies",
];
const DEPENDENCIES = [
  "dependencies",
  "optionalDependencies",
  "peerDependencies",
  "bundleDependencies",
  "bundledDependencies",
];
const BELONGS =
  /^(?:package\.json|(?:README|LICEN[CS]E|CHANGELOG|NOTICE)(?:\.\w+)?|src\/.+\.ts|dist\/(?:index\.js|index\.js\.map|index\.d\.ts|manifest\.json))$/i;

/** Holds a package against all rules. Its code is evaluated in the sandbox and nowhere else. */
export async function verifyPackage(
  content: PackageFiles,
  evaluator: Evaluator,
): Promise<Verified> {
  let json: PackageJson;
  try {
    json = packageJsonOf(content);
  } catch (error) {
    const remedy = "start with: karuntime plugin new NAME";
    const message = `package.json cannot be read: ${(error as Error).message}`;
    return { failures: [{ message, remedy }], manifest: undefined };
  }
  const built = await verifyBuilt(content, evaluator);
  return {
    failures: [
      ...verifyJson(json),
      ...verifyFiles(content),
      ...built.failures,
      ...(built.manifest === undefined ? [] : verifyReadme(content, built.manifest.permissions)),
    ],
    manifest: built.manifest,
  };
}

/** A package that stands alone: its bundle is also held against its source, as far as that is in the package. */
export async function verifyRelease(
  content: PackageFiles,
  evaluator: Evaluator,
): Promise<Verified & { readonly reproduction: Reproduction | undefined }> {
  const { failures, manifest } = await verifyPackage(content, evaluator);
  if (manifest === undefined || failures.length > 0)
    return { failures, manifest, reproduction: undefined };
  const reproduction = await reproduce(content, manifest);
  if (reproduction.type !== "different") return { failures, manifest, reproduction };
  const different: Failure = {
    message: `${reproduction.files.join(", ")} is not what the source in the package makes`,
    remedy: "build again: karuntime plugin build; who reads the source must have read what runs",
  };
  return { failures: [different], manifest, reproduction };
}

/** What differs between the built files in the package and those that its source makes now. */
export function verifyReproduced(
  { files }: PackageFiles,
  rebuilt: readonly Readonly<Record<string, string>>[],
): readonly Failure[] {
  const [first = {}, ...others] = rebuilt;
  const names = Object.keys(first);
  const unsteady = names.filter((name) => others.some((other) => other[name] !== first[name]));
  if (unsteady.length > 0)
    return [
      {
        message: `two builds of the same source differ in ${unsteady.join(", ")}`,
        remedy: "take out what changes from build to build, such as a date in a generated file",
      },
    ];
  const stale = names.filter((name) => files.get(name)?.toString("utf8") !== first[name]);
  if (stale.length === 0) return [];
  return [
    {
      message: `${stale.join(", ")} is not what the source makes`,
      remedy: "build again: karuntime plugin build",
    },
  ];
}

function verifyJson(json: PackageJson): Failure[] {
  const failures: Failure[] = [];
  const fail = (message: string, remedy: string): void => void failures.push({ message, remedy });
  const { name, keywords, exports, bin } = json;
  if (typeof name !== "string" || !isPluginName(name))
    fail(
      `package.json: found the name ${JSON.stringify(name)}`,
      "name it karuntime-plugin-NAME or @SCOPE/NAME, in lower case",
    );
  if (!Array.isArray(keywords) || !keywords.includes(KEYWORD))
    fail(
      "package.json: the keyword is missing by which plugins are found",
      `add: "keywords": ["${KEYWORD}"]`,
    );
  if (json.type !== "module") fail("package.json: it is no module", 'add: "type": "module"');
  if (entryOf(exports) !== `./${BUILT.bundle}`)
    fail(
      "package.json: exports does not lead to the bundle, and to it alone",
      `write: "exports": { ".": { "types": "./${BUILT.types}", "default": "./${BUILT.bundle}" } }`,
    );
  if (bin !== undefined)
    fail("package.json: it has programs (bin)", "take bin out; a plugin runs in the sandbox only");
  for (const field of DEPENDENCIES) {
    const value = json[field];
    const names = Array.isArray(value) ? value.map(String) : Object.keys(value ?? {});
    if (names.length > 0)
      fail(
        `package.json: ${field} has ${names.map(shown).join(", ")}, which would be installed beside the bundle`,
        "move it to devDependencies: what the code imports is in the bundle",
      );
  }
  const scripts = SCRIPTS.filter((script) => Object.hasOwn(json.scripts ?? {}, script));
  if (scripts.length > 0)
    fail(
      `package.json: the scripts ${scripts.join(", ")} would run outside the sandbox`,
      'take them out, or give them another name, such as "build"',
    );
  return failures;
}

/** What the package leads to, whoever imports it; undefined when that depends on who does. */
function entryOf(exports: unknown): unknown {
  if (typeof exports !== "object" || exports === null) return exports;
  const keys = Object.keys(exports).filter((key) => key !== "types");
  const [key] = keys;
  if (keys.length !== 1 || (key !== "." && key !== "default")) return undefined;
  return entryOf((exports as Readonly<Record<string, unknown>>)[key]);
}

function verifyFiles({ files, strange }: PackageFiles): Failure[] {
  const failures = strange.map((message) => ({
    message,
    remedy: "have plain files only, inside the package",
  }));
  const others = [...files.keys()].filter((name) => !BELONGS.test(name));
  if (others.length === 0) return failures;
  return [
    ...failures,
    {
      message: `${others.slice(0, 10).map(shown).join(", ")}${others.length > 10 ? " and more" : ""} does not belong into a plugin's package`,
      remedy: 'set "files": ["dist", "src"] in package.json; have tests in test/',
    },
  ];
}

async function verifyBuilt(content: PackageFiles, evaluator: Evaluator): Promise<Verified> {
  const { files } = content;
  const remedy = "build again: karuntime plugin build";
  const missing = Object.values(BUILT).filter((name) => !files.has(name));
  const built = builtFile(content);
  if (missing.length > 0 || built === undefined)
    return {
      failures: [{ message: `${missing.join(", ")} is missing`, remedy }],
      manifest: undefined,
    };
  const evaluated = await evaluateModule(`/${BUILT.bundle}`, built, evaluator);
  if (!evaluated.ok)
    return {
      failures: evaluated.diagnostics.map((diagnostic) => ({
        message: formatDiagnostic({ ...diagnostic, file: BUILT.bundle }),
        remedy:
          "the bundle must be complete and run in the sandbox; build it with karuntime plugin build",
      })),
      manifest: undefined,
    };
  const manifest = evaluated.value;
  return { failures: verifyManifest(files, manifest, remedy), manifest };
}

function verifyManifest(
  files: PackageFiles["files"],
  manifest: Manifest,
  remedy: string,
): Failure[] {
  const declared = packageManifest.safeParse(parseJson(files.get(BUILT.manifest)));
  if (!declared.success)
    return [{ message: `${BUILT.manifest} is none: ${declared.error.issues[0]?.message}`, remedy }];
  const failures: Failure[] = [];
  const fail = (message: string, what = remedy): void =>
    void failures.push({ message: `${BUILT.manifest}: ${message}`, remedy: what });
  const { data } = declared;
  const code = files.get(BUILT.bundle) ?? "";
  if (data.sha256 !== sha256(code)) fail(`its sha256 is not that of ${BUILT.bundle}`);
  if (data.kind !== manifest.kind)
    fail(`it says ${data.kind}, and the code makes a ${manifest.kind}`);
  const wider = uncovered(manifest.permissions, data.permissions);
  if (Object.keys(wider).length > 0)
    fail(`the code asks for more than it says: ${JSON.stringify(wider)}`);
  const options = jsonSchemaOf(manifest.options);
  if (JSON.stringify(data.options) !== JSON.stringify(options))
    fail("its options are not those of the code");
  if (!speaks(data.sdk))
    fail(
      `it was built with version ${shown(data.sdk)} of the SDK, which this karuntime (SDK ${sdkVersion()}) does not speak`,
      "build it with this version of karuntime, or use the version that it was built for",
    );
  return failures;
}

function parseJson(data: Buffer | undefined): unknown {
  try {
    return JSON.parse(data?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}

/** Whoever reads about a plugin learns what it will ask for. */
function verifyReadme({ files }: PackageFiles, permissions: Permissions): Failure[] {
  const name = [...files.keys()].find((file) => /^readme(?:\.\w+)?$/i.test(file));
  const text = name === undefined ? "" : (files.get(name)?.toString("utf8") ?? "");
  const unnamed = Object.entries(permissions).flatMap(([permission, wish]) => {
    const values = typeof wish === "boolean" ? (wish ? [] : undefined) : textsOf(wish);
    if (values === undefined || (typeof wish !== "boolean" && values.length === 0)) return [];
    const missing = values.filter((value) => !text.includes(value));
    const named = new RegExp(`\\b${permission}\\b`).test(text);
    return named && missing.length === 0 ? [] : [[permission, ...missing].join(" ")];
  });
  if (unnamed.length === 0) return [];
  return [
    {
      message: `README does not name what the code asks for: ${unnamed.join("; ")}`,
      remedy: 'write each permission and each of its values under "Permissions" in README.md',
    },
  ];
}

/** All that a permission names: `["a:1"]`, `{ nginx: ["start"] }`, `[["/bin/x", "-a"]]`. */
function textsOf(wish: unknown): readonly string[] {
  if (typeof wish === "string") return [wish];
  if (Array.isArray(wish)) return wish.flatMap(textsOf);
  if (typeof wish !== "object" || wish === null) return [];
  return Object.entries(wish).flatMap(([name, value]) => [name, ...textsOf(value)]);
}
