/** The first-party plugins as packages: what each says of itself, what it publishes, and that its README knows its options. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folders = globSync("plugins/*/package.json", { cwd: root })
  .map((file) => file.split("/")[1] ?? "")
  .toSorted();

interface Packed {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

interface Definition {
  readonly options?: Readonly<Record<string, { readonly default?: unknown }>>;
}

test("there are plugins", () => assert.ok(folders.includes("udp")));

for (const folder of folders) {
  describe(`@karuntime/${folder}`, () => {
    const directory = join(root, "plugins", folder);

    test("says what it is", () => {
      const { name, version, license, keywords, description, type } = JSON.parse(
        readFileSync(join(directory, "package.json"), "utf8"),
      ) as Readonly<Record<string, unknown>>;
      assert.deepEqual(
        { name, version, license, keywords, type },
        {
          name: `@karuntime/${folder}`,
          version: "0.1.0",
          license: "MIT",
          keywords: ["karuntime-plugin"],
          type: "module",
        },
      );
      assert.match(String(description), /^A karuntime (?:check|checker|notifier)\b/);
    });

    test("publishes its source and its README, and no tests", () => {
      const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: directory,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      // npm 11 writes a list, npm 12 an object by name.
      const [packed] = Object.values(JSON.parse(output) as Readonly<Record<string, Packed>>);
      const paths = packed?.files.map(({ path }) => path) ?? [];
      for (const path of ["README.md", "package.json", "src/index.ts"])
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
