/** A new project type-checks, passes its test and is a good configuration, at once; and nothing is overwritten. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");

function run(file: string, argv: readonly string[], cwd: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(file, argv, { cwd, encoding: "utf8", env, timeout: 60_000 });
}

describe("karuntime init", () => {
  const folder = mkdtempSync(join(root, ".init-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("makes a project that is good at once", () => {
    const made = run(PROGRAM, ["init", "My Project"], folder);
    assert.equal(made.status, 0, made.stderr);
    const project = join(folder, "My Project");
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    assert.equal(
      JSON.parse(readFileSync(join(project, "package.json"), "utf8")).name,
      "my-project",
    );
    const compiled = run("tsc", [], project);
    assert.equal(compiled.status, 0, compiled.stdout);
    const tested = run(PROGRAM, ["test"], project);
    assert.equal(tested.status, 0, tested.stdout);
    assert.match(tested.stdout, /pass 3/);
    const invoked = run(PROGRAM, ["invoke", "checks/nginx.ts", "--option", "url=x"], project);
    assert.match(
      invoked.stdout,
      /with these options its permissions say net\.0: expected "host:port"/,
    );
    const url = "url=http://127.0.0.1:1/";
    const { stdout } = run(PROGRAM, ["invoke", "checks/nginx.ts", "--option", url], project);
    assert.match(stdout, /^check checks\/nginx\.ts: .*\n[^]* processes\.count .* -> \d+ /);
    const valid = run(PROGRAM, ["validate"], project);
    assert.match(valid.stdout, /is good: 1 virtual router, 1 check/);
  });

  test("refuses a folder that has any of its files, and writes none", () => {
    const project = join(folder, "taken");
    mkdirSync(project);
    writeFileSync(join(project, "tsconfig.json"), "mine");
    const { status, stderr } = run(PROGRAM, ["init"], project);
    assert.equal(status, 1);
    assert.match(stderr, /nothing is written: .* has tsconfig\.json already/);
    assert.equal(readFileSync(join(project, "tsconfig.json"), "utf8"), "mine");
    assert.equal(run("ls", ["-A"], project).stdout, "tsconfig.json\n");
  });
});
