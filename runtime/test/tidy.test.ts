/** The rules that hold the house up, checked on the text of the source: who imports whom, purity, size. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const LINES_MAX = 400;

/**
 * For each room of runtime/src what it may import: other rooms (all of one, or a single file) and packages. Files
 * that lie beside the rooms (json-lines) are open to all but the pure ones.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  packet: [],
  vrrp: ["packet"],
  health: [],
  linux: ["packet", "koffi", "raw-socket", "node:"],
  engine: ["packet", "vrrp", "linux", "node:"],
  sandbox: [
    "health",
    "isolated-vm",
    "undici",
    "dns-packet",
    // Bundled into the web's interfaces inside the isolate.
    "whatwg-url",
    "tr46",
    "@exodus/bytes",
    "@noble/hashes",
    "web-streams-polyfill",
    "node:",
  ],
  plugins: [
    "sandbox/protocol.ts",
    "config/diagnostic.ts",
    "config/evaluator.ts",
    "esbuild",
    "tar",
    "zod",
    "node:",
  ],
  director: ["packet"],
  migrate: ["config", "node:"],
  config: [
    "packet",
    "vrrp",
    "director",
    "plugins",
    "engine/protocol.ts",
    "linux/process-watch.ts",
    "sandbox/protocol.ts",
    "sandbox/spawn.ts",
    "@karuntime/sdk",
    "zod",
    "node:",
  ],
  daemon: [
    "health",
    "vrrp/types.ts",
    "vrrp/config.ts",
    "linux/cgroup.ts",
    "linux/file-watch.ts",
    "linux/icmp.ts",
    "linux/process-watch.ts",
    "engine/protocol.ts",
    "sandbox/protocol.ts",
    "sandbox/grant.ts",
    "sandbox/node-permissions.ts",
    "sandbox/capability/resolved-address.ts",
    "sandbox/spawn.ts",
    "config",
    "plugins",
    "observe",
    "@karuntime/sdk",
    "packet",
    "director",
    "nodemailer",
    "node:",
  ],
  observe: [
    "engine/protocol.ts",
    "sandbox/protocol.ts",
    "vrrp/types.ts",
    "pino",
    "pino-pretty",
    "node:",
  ],
  develop: [
    "config",
    "plugins",
    "daemon/plugin-requests.ts",
    "redaction.ts",
    "daemon/sandbox-messages.ts",
    "linux/cgroup.ts",
    "sandbox/node-permissions.ts",
    "sandbox/protocol.ts",
    "sandbox/spawn.ts",
    "@karuntime/sdk",
    "ws",
    "zod",
    "node:",
  ],
  cli: ["daemon", "config", "develop", "migrate", "plugins", "observe", "node:"],
};
const PURE = ["packet", "vrrp", "health", "director"];

const sources = globSync("runtime/src/**/*.ts", { cwd: root }).filter(
  (file) => !file.endsWith(".test.ts"),
);

function importsOf(file: string): string[] {
  return [
    ...readFileSync(join(root, file), "utf8").matchAll(
      /^(?:import|export)\b[^;"]*\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? "");
}

test("every room has a row in the table of imports", () => {
  const rooms = new Set(
    sources.map((file) => file.split("/")[2] ?? "").filter((room) => !room.endsWith(".ts")),
  );
  assert.deepEqual(
    [...rooms].filter((room) => MAY_IMPORT[room] === undefined),
    [],
  );
});

test("imports go only where the table allows", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const room = file.split("/")[2] ?? "";
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) continue;
    for (const specifier of importsOf(file)) {
      const target = specifier.startsWith(".")
        ? relative("runtime/src", normalize(join(dirname(file), specifier)))
        : specifier;
      const besideTheRooms =
        !target.includes("/") && target.endsWith(".ts") && !PURE.includes(room);
      const inside = target.startsWith(`${room}/`);
      if (
        !inside &&
        !besideTheRooms &&
        !allowed.some(
          (entry) =>
            target === entry || target.startsWith(entry.endsWith(":") ? entry : `${entry}/`),
        )
      )
        wrong.push(`${file} imports ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("the sdk imports nothing", () => {
  const wrong = globSync("sdk/src/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !specifier.startsWith("."))
        .map((specifier) => `${file} imports ${specifier}`),
    );
  assert.deepEqual(wrong, []);
});

test("the pure rooms read no clock and no random source", () => {
  const wrong = sources
    .filter((file) => PURE.includes(file.split("/")[2] ?? ""))
    .filter((file) =>
      /\bDate\b|Math\.random|performance\.|setTimeout|process\./.test(
        readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""),
      ),
    );
  assert.deepEqual(wrong, []);
});

test(`no source file is longer than ${LINES_MAX} lines`, () => {
  const long = [
    ...sources,
    ...globSync("{sdk/src,lab/src,bench,setup,sim,plugins,runtime/test}/**/*.ts", {
      cwd: root,
      exclude: ["**/node_modules/**"],
    }),
  ]
    .map((file) => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length }))
    .filter(({ lines }) => lines > LINES_MAX);
  assert.deepEqual(long, []);
});

test("every source file says at its head what it is", () => {
  const silent = sources.filter(
    (file) =>
      !readFileSync(join(root, file), "utf8").trimStart().startsWith("/**") &&
      !readFileSync(join(root, file), "utf8").trimStart().startsWith("//"),
  );
  assert.deepEqual(silent, []);
});

test("every example is run by a test", () => {
  const examples = globSync("examples/*/package.json", { cwd: root }).map(
    (file) => file.split("/")[1] ?? "",
  );
  const untested = examples.filter(
    (example) => globSync(`examples/${example}/*.test.ts`, { cwd: root }).length === 0,
  );
  assert.deepEqual(untested, []);
});

test("the lock file names no registry", () => {
  assert.doesNotMatch(
    readFileSync(join(root, "package-lock.json"), "utf8"),
    /"resolved": "[^"]*:\/\//,
  );
});
