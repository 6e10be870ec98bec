import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { bundle, stopBundler } from "./bundle.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-bundle-"));
const PACKAGE = "project/node_modules/guest";

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Bundles a file; returns its code, or what is wrong with it. */
async function bundled(file: string, source: string): Promise<string> {
  write({ [file]: source });
  const result = await bundle(join(folder, file));
  return result.ok
    ? result.bundle.code
    : result.diagnostics.map(({ message }) => message).join("; ");
}

write({
  "private.json": '{ "token": "PRIVATE" }',
  "private.txt": "PRIVATE",
  "project/shared.js": 'export default "SHARED";',
  [`${PACKAGE}/package.json`]: '{ "name": "guest", "type": "module", "exports": "./index.js" }',
  [`${PACKAGE}/part.js`]: 'export { default } from "helper";',
  "project/node_modules/helper/package.json": '{ "name": "helper", "type": "module" }',
  "project/node_modules/helper/index.js": 'export default "HELPER";',
});
after(async () => {
  await stopBundler();
  rmSync(folder, { recursive: true, force: true });
});

describe("what a bundle is made of", () => {
  for (const [how, source] of Object.entries({
    "by a relative path": 'import all from "../../../private.json"; export default all;',
    "by an absolute path": `import all from "${folder}/private.txt"; export default all;`,
    "by require": 'export default require("../../../private.json");',
    "with an attribute":
      'import all from "../../../private.json" with { type: "json" }; export default all;',
    "in the operator's project": 'import all from "../../shared.js"; export default all;',
  }))
    test(`an installed package gets no file outside node_modules: ${how}`, async () => {
      const found = await bundled(`${PACKAGE}/index.js`, source);
      assert.match(found, /^"[^"]*" lies outside the project's node_modules$/);
    });

  for (const [how, source] of Object.entries({
    "by import": "export default (name) => import(`../../../${name}.json`);",
    "by require": 'export default (name) => require("../../../" + name + ".txt");',
  }))
    test(`an installed package gets no file outside node_modules: by a pattern, ${how}`, async () => {
      const found = await bundled(`${PACKAGE}/index.js`, source);
      assert.match(found, /private\.\w+ is imported by a pattern/);
      assert.doesNotMatch(found, /PRIVATE/);
    });

  test("an installed package gets no file outside node_modules: as its source map", async () => {
    const map = { version: 3, sources: ["PRIVATE.ts"], sourcesContent: [""], mappings: "AAAA" };
    const elsewhere = join(folder, "private.map");
    write({ "private.map": JSON.stringify(map), [`${PACKAGE}/part.map`]: JSON.stringify(map) });
    // Whoever opens it waits for ever.
    assert.equal(spawnSync("mkfifo", [join(folder, PACKAGE, "pipe.map")]).status, 0);
    const sourcesOf = async (url: string): Promise<string> => {
      write({ [`${PACKAGE}/index.js`]: `globalThis.x = 1;\n//# sourceMappingURL=${url}\n` });
      const result = await bundle(join(folder, PACKAGE, "index.js"));
      assert.ok(result.ok);
      return (JSON.parse(result.bundle.sourceMap) as { sources: string[] }).sources.join();
    };
    for (const url of [
      elsewhere,
      pathToFileURL(elsewhere).href,
      "../../../private.map",
      `part.map"/../../../../private.map`,
      "part.map\u00a0/../../../../private.map",
      "pipe.map",
    ])
      assert.equal(await sourcesOf(url), "index.js", url);
    assert.equal(await sourcesOf("part.map"), "PRIVATE.ts");
  });

  test("an installed package has its own files and other packages", async () => {
    const source = 'import part from "./part.js"; export default part;';
    assert.match(await bundled(`${PACKAGE}/index.js`, source), /"HELPER"/);
  });

  test("the operator's own files import what they like, by name", async () => {
    const source =
      'import shared from "../shared.js"; import all from "../../private.json"; import part from "guest/part.js"; export default [shared, all, part];';
    write({ [`${PACKAGE}/package.json`]: '{ "name": "guest", "type": "module" }' });
    const code = await bundled("project/checks/own.ts", source);
    for (const expected of [/"SHARED"/, /"PRIVATE"/, /"HELPER"/]) assert.match(code, expected);
  });
});

test("an error names its file, whatever the working directory is and was", async () => {
  write({
    "errors/checks/check.ts": 'import "./part/check.ts"; import "../check.ts"; import "./none.ts";',
    "errors/checks/part/check.ts": "\nlet two = ;",
    "errors/check.ts": "\n\nlet three = ;",
  });
  const before = process.cwd();
  try {
    for (const directory of ["/", folder, join(folder, "errors/checks/part"), before]) {
      process.chdir(directory);
      const result = await bundle(join(folder, "errors/checks/check.ts"));
      assert.deepEqual(
        result.ok ? [] : result.diagnostics.map(({ file, line }) => `${file}:${line}`).toSorted(),
        ["check.ts:3", "checks/check.ts:1", "checks/part/check.ts:2"].map((place) =>
          join(folder, "errors", place),
        ),
      );
    }
  } finally {
    process.chdir(before);
  }
});

test("files in a bundle are named from its own place, wherever that is built", async () => {
  const code = await bundled("steady/check.ts", 'export { default } from "../project/shared.js";');
  assert.match(code, /^ *\/\/ \.\.\/project\/shared\.js$/m);
});
