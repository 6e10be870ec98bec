/** The first-party plugins as packages: what each says of itself, what it publishes, and that its README knows its options. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { VERSION } from "../dist/cli/version.js";
import { BUILT } from "../dist/plugins/build.js";
import { FIRST_PARTY } from "../dist/plugins/names.js";
import { readTarball } from "../dist/plugins/package.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folders = globSync("plugins/*/package.json", { cwd: root })
  .map((file) => file.split("/")[1] ?? "")
  .toSorted();

function packageJson(folder: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Readonly<
    Record<string, unknown>
  >;
}

interface Definition {
  readonly options?: Readonly<Record<string, { readonly default?: unknown }>>;
}

const packed = mkdtempSync(join(tmpdir(), "karuntime-packed-"));
before(() => {
  const script = join(root, "setup/pack-plugins.ts");
  const { status, stderr } = spawnSync(process.execPath, [script, packed], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
after(() => rmSync(packed, { recursive: true, force: true }));

test("they are those whose names other packages should not come near", () =>
  assert.deepEqual(
    FIRST_PARTY.toSorted(),
    folders.map((folder) => `@karuntime/${folder}`),
  ));

test("all that is released together has one version", () => {
  for (const folder of ["sdk", "runtime"]) assert.equal(packageJson(folder)["version"], VERSION);
});

for (const folder of folders) {
  describe(`@karuntime/${folder}`, () => {
    const directory = join(root, "plugins", folder);

    test("says what it is", () => {
      const { name, version, license, keywords, description, type } = packageJson(
        `plugins/${folder}`,
      );
      assert.deepEqual(
        { name, version, license, keywords, type },
        {
          name: `@karuntime/${folder}`,
          version: VERSION,
          license: "MIT",
          keywords: ["karuntime-plugin"],
          type: "module",
        },
      );
      assert.match(String(description), /^A karuntime (?:check|checker|notifier)\b/);
    });

    test("is built, keeps the rules, and publishes its source and README, and no tests", async () => {
      const tarball = join(packed, `karuntime-${folder}-${VERSION}.tgz`);
      const paths = [...(await readTarball(tarball)).files.keys()];
      for (const path of ["README.md", "package.json", "src/index.ts", ...Object.values(BUILT)])
        assert.ok(paths.includes(path), `${path} is not among ${paths.join(", ")}`);
      assert.deepEqual(
        paths.filter((path) => path.includes("test")),
        [],
      );
    });

    test("has each option in its README, and no other", async () => {
      const { default: definition } = (await import(join(directory, "src/index.ts"))) as {
        readonly default: Definition;
      };
      const readme = readFileSync(join(directory, "README.md"), "utf8");
      const [, table = ""] = /^## Options\n([\s\S]*?)^## /m.exec(readme) ?? [];
      const rows = [...table.matchAll(/^\| `(\w+)` \| (.*?) \| /gm)];
      const options = Object.entries(definition.options ?? {});
      assert.deepEqual(
        rows.map(([, name]) => name),
        options.map(([name]) => name),
      );
      for (const [index, [name, option]] of options.entries()) {
        const said = rows[index]?.[2] ?? "";
        // A long text is told in words.
        if (!said.startsWith("`")) continue;
        assert.equal(said, `\`${JSON.stringify(option.default)}\``, name);
      }
    });
  });
}
