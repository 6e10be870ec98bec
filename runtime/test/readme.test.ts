/** What README and docs show is true: their TypeScript compiles and loads, their commands run, their links lead somewhere. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { linkModules } from "./sandbox/modules.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const pages = [
  "README.md",
  ...globSync(["docs/*.md", "plugins/README.md", "plugins/*/README.md"], { cwd: root }).toSorted(),
];

/** These take minutes or are this run itself; the example's test runs the demo. */
const NOT_RUN = /^npm (run demo|test|run bench|run interop|run simulate)\b/;

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocks(page: string): Block[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].map(
    (match) => ({ language: match[1] ?? "", text: match[2] ?? "" }),
  );
}

for (const page of pages) {
  describe(page, () => {
    const project = mkdtempSync(join(root, ".readme-"));
    after(() => rmSync(project, { recursive: true, force: true }));

    test("its TypeScript files form a project that compiles and that karuntime accepts", () => {
      const files = blocks(page).filter((block) => block.language === "ts");
      for (const { text } of files) {
        const name = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1];
        assert.ok(name !== undefined, `a block does not begin with its file's name:\n${text}`);
        mkdirSync(dirname(join(project, name)), { recursive: true });
        writeFileSync(join(project, name), text);
      }
      if (files.length === 0) return;
      linkModules(project);
      writeFileSync(
        join(project, "tsconfig.json"),
        JSON.stringify({
          extends: join(root, "examples/tsconfig.plugin.json"),
          include: ["**/*.ts"],
          exclude: ["**/*.test.ts"],
        }),
      );
      run("tsc", ["-p", "."], project);
      if (files.some(({ text }) => /^\/\/ \S+\.test\.ts\n/.test(text))) {
        // Tests run in Node, what they test does not.
        const options = {
          allowImportingTsExtensions: true,
          types: ["node", "@karuntime/sdk/globals"],
        };
        writeFileSync(
          join(project, "tsconfig.test.json"),
          JSON.stringify({ extends: "./tsconfig.json", compilerOptions: options, exclude: [] }),
        );
        run("tsc", ["-p", "tsconfig.test.json"], project);
      }
      if (existsSync(join(project, "karuntime.config.ts")))
        assert.match(run("karuntime", ["validate"], project), /is good/);
    });

    test("its commands run", () => {
      const commands = blocks(page)
        .filter((block) => block.language === "sh")
        .flatMap((block) => block.text.split("\n"))
        .map((line) => line.replace(/\s+#.*$/, "").trim())
        .filter((line) => line !== "" && !NOT_RUN.test(line));
      for (const command of commands) {
        const ownFile = command.split(" ").some((word) => existsSync(join(project, word)));
        run("sh", ["-c", command], ownFile ? project : root);
      }
    });

    test("its links lead somewhere", () => {
      const links = [
        ...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g),
      ].map((match) => match[1] ?? "");
      const dead = links.filter((link) => !existsSync(join(root, dirname(page), link)));
      assert.deepEqual(dead, []);
    });
  });
}

function run(file: string, argv: readonly string[], cwd: string): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const result = spawnSync(file, argv, { cwd, encoding: "utf8", env, timeout: 60_000 });
  assert.equal(result.status, 0, `${file} ${argv.join(" ")}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}
