/** From files to a loaded configuration: what works, and what people get to read when it does not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const karuntime = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "karuntime-load-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const CONFIGURATION = `import { defineConfig, env } from "karuntime/config";
export default defineConfig({
  checks: { a: { plugin: "./checks/a.ts", options: { limit: 3 } } },
  virtualRouters: { VI_1: { interface: "eth0", id: 51, priority: Number(env("PRIORITY", "100")), addresses: ["192.0.2.1"], track: { checks: ["a"] } } },
});
`;
const CHECK = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({ options: { limit: { type: "number" } }, check() {} });
`;

let counter = 0;
/** Writes the files and validates; returns the exit status and what was printed. */
function validate(
  files: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly text: string } {
  const project = join(folder, `project${counter++}`);
  for (const [name, text] of Object.entries({
    "karuntime.config.ts": CONFIGURATION,
    "checks/a.ts": CHECK,
    ...files,
  })) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  const result = spawnSync(karuntime, ["validate", ...argv], {
    cwd: project,
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 30_000,
  });
  return {
    status: result.status,
    text: `${result.stdout}${result.stderr}`.replaceAll(`${project}/`, ""),
  };
}

describe("karuntime validate", () => {
  test("a good configuration: status 0", () => {
    const { status, text } = validate({});
    assert.equal(text, "karuntime.config.ts is good: 1 virtual router, 1 check\n");
    assert.equal(status, 0);
  });

  test("a configuration may use TypeScript's own syntax, import its own files, and read the environment", () => {
    const { status, text } = validate(
      {
        "karuntime.config.ts": `import { address } from "./address";\nenum Vrid { Web = 51 }\n${CONFIGURATION.replace("51", "Vrid.Web").replace('"192.0.2.1"', "address")}`,
        "address.ts": 'export const address: string = "192.0.2.1";',
      },
      [],
      { PRIORITY: "300" },
    );
    assert.match(text, /virtualRouters\.VI_1\.priority: found 300, expected 255 or less/);
    assert.equal(status, 2);
  });

  test("an environment variable that is not set is named, with the line that reads it", () => {
    const { status, text } = validate({
      "karuntime.config.ts": CONFIGURATION.replace(
        'env("PRIORITY", "100")',
        'env("PRIORITY_OF_THIS_NODE")',
      ),
    });
    assert.equal(status, 2);
    assert.match(
      text,
      /^karuntime\.config\.ts:4:\d+: error: the environment variable PRIORITY_OF_THIS_NODE is not set/,
    );
    assert.match(text, /4 \| {3}virtualRouters/);
  });

  test("a syntax error shows its line and column", () => {
    const { status, text } = validate({
      "karuntime.config.ts": CONFIGURATION.replace("id: 51,", "id: 51 51,"),
    });
    assert.equal(status, 2);
    assert.match(text, /^karuntime\.config\.ts:4:\d+: error: Expected/);
  });

  test("a plugin that uses Node is refused with a remedy, at the import", () => {
    const { status, text } = validate({
      "checks/a.ts": `import { execSync } from "node:child_process";\n${CHECK}execSync("ps");`,
    });
    assert.equal(status, 2);
    assert.match(
      text,
      /checks\/a\.ts:1:\d+: error: "node:child_process" does not exist in the sandbox/,
    );
    assert.match(text, /hint: a plugin starts no commands; ask for a service action/);
  });

  test("a plugin that is not there is named", () => {
    const { status, text } = validate({
      "karuntime.config.ts": CONFIGURATION.replace("./checks/a.ts", "./checks/b.ts"),
    });
    assert.equal(status, 2);
    assert.match(text, /checks\/b\.ts/);
  });

  test("an exception at a plugin's top level names its line", () => {
    const { status, text } = validate({ "checks/a.ts": `${CHECK}\nthrow new Error("not today");` });
    assert.equal(status, 2);
    assert.match(text, /^checks\/a\.ts:4:\d+: error: not today/);
  });

  test("a wrong option names its path", () => {
    const { status, text } = validate({
      "karuntime.config.ts": CONFIGURATION.replace("limit: 3", 'limit: "3"'),
    });
    assert.equal(status, 2);
    assert.match(text, /checks\.a\.options\.limit: found "3", expected a number/);
  });

  test("a configuration that never ends is ended", () => {
    const { status, text } = validate({ "karuntime.config.ts": `${CONFIGURATION}\nfor (;;);` });
    assert.equal(status, 2);
    assert.match(text, /timed out/);
  });

  test("all problems of all plugins come at once, and as JSON for editors", () => {
    const two = CONFIGURATION.replace(
      'a: { plugin: "./checks/a.ts", options: { limit: 3 } }',
      'a: { plugin: "./checks/a.ts" }, b: { plugin: "./checks/b.ts" }',
    );
    const { status, text } = validate(
      { "karuntime.config.ts": two, "checks/b.ts": "export default 1;" },
      ["--json"],
    );
    assert.equal(status, 2);
    const diagnostics = JSON.parse(text) as {
      readonly file: string;
      readonly message: string;
      readonly severity: string;
    }[];
    assert.deepEqual(
      diagnostics.map(({ file, severity }) => `${file} ${severity}`),
      ["karuntime.config.ts error", "checks/b.ts error"],
    );
  });

  test("a file that does not exist", () => {
    const { status, text } = validate({}, ["-c", "other.ts"]);
    assert.equal(status, 2);
    assert.match(text, /other\.ts/);
  });

  test("an unknown option of the command is an error of its own", () => {
    const { status, text } = validate({}, ["--colour"]);
    assert.equal(status, 1);
    assert.match(text, /--colour/);
  });
});
