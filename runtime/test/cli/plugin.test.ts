/** A new plugin of each kind type-checks, passes its test, builds, and is good, at once; and nothing is overwritten. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");

function run(file: string, argv: readonly string[], cwd: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(file, argv, { cwd, encoding: "utf8", env, timeout: 60_000 });
}

function good(file: string, argv: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = run(file, argv, cwd);
  assert.equal(status, 0, `${file} ${argv.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

describe("karuntime plugin", () => {
  const folder = mkdtempSync(join(root, ".plugin-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const plugin = (cwd: string, ...argv: string[]) => run(PROGRAM, ["plugin", ...argv], cwd);

  for (const [kind, asks] of [
    ["check", /connect to the address that you configure \(option url\)\nand nothing else/],
    ["checker", /connect to the server that it is to check\nand nothing else/],
    ["notifier", /connect to the address that you configure \(option url\)\nand nothing else/],
  ] as const)
    test(`new makes a ${kind} that is good at once`, () => {
      const name = `@acme/my-${kind}`;
      good(PROGRAM, ["plugin", "new", name, "--kind", kind], folder);
      const made = join(folder, `my-${kind}`);
      symlinkSync(join(root, "node_modules"), join(made, "node_modules"));
      assert.equal(JSON.parse(readFileSync(join(made, "package.json"), "utf8")).name, name);
      good("tsc", [], made);
      assert.match(good(process.execPath, ["--test", "test/*.test.ts"], made), /pass 2/);
      good(PROGRAM, ["plugin", "build"], made);
      assert.match(good(PROGRAM, ["plugin", "verify"], made), /is good/);
      assert.match(good(PROGRAM, ["plugin", "describe"], made), asks);
      const schema = JSON.parse(good(PROGRAM, ["plugin", "describe", "--json-schema"], made));
      assert.equal(schema.type, "object");
      good(PROGRAM, ["plugin", "pack"], made);
      const tarball = `acme-my-${kind}-0.1.0.tgz`;
      assert.match(good(PROGRAM, ["plugin", "verify", tarball], made), /is good/);
      assert.match(good(PROGRAM, ["plugin", "describe", tarball], made), asks);
    });

  test("new overwrites nothing", () => {
    good(PROGRAM, ["plugin", "new", "twice"], folder);
    const { status, stderr } = plugin(folder, "new", "twice");
    assert.equal(status, 1);
    assert.match(stderr, /nothing is written: .*karuntime-plugin-twice has package\.json, /);
  });

  test("says what it expected", () => {
    for (const [argv, expected] of [
      [["new"], /expected one name/],
      [["new", "Redis"], /found the name "Redis", expected small letters/],
      [["new", "../up"], /found the name "\.\.\/up"/],
      [["new", "x", "--kind", "module"], /found "module", expected check, checker, notifier/],
      [["describe", "."], /has no dist\/index\.js: karuntime plugin build/],
      [["add"], /expected one package/],
      [["add", "x", "--min-age", "soon"], /--min-age: found "soon", expected 3d/],
      [["remove", "x"], /x is not in .*karuntime\.lock; see: karuntime plugin list/],
      [["frob"], /there is no command plugin "frob"/],
    ] as const) {
      const { status, stderr } = plugin(folder, ...argv);
      assert.equal(status, 1, argv.join(" "));
      assert.match(stderr, expected);
    }
  });

  test("verify tells a source that cannot be built where it is wrong", () => {
    good(PROGRAM, ["plugin", "new", "wrong"], folder);
    const made = join(folder, "karuntime-plugin-wrong");
    const { status, stderr } = plugin(made, "build");
    assert.equal(status, 0, stderr);
    run("sh", ["-c", "echo 'import \"node:fs\";' >>src/index.ts"], made);
    const failed = plugin(made, "verify");
    assert.notEqual(failed.status, 0);
    assert.match(
      failed.stderr,
      /src\/index\.ts:\d+:\d+: error: "node:fs" does not exist in the sandbox/,
    );
  });
});
