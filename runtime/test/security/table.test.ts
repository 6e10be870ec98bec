/** docs/security.md promises nothing without a test that tries it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { legendOf, root, titlesOf } from "../test-titles.ts";

const page = readFileSync(join(root, "docs/security.md"), "utf8");
const files = legendOf(page);
const rows = [...page.matchAll(/^\| (\d+) \|(.*)\|$/gm)].map(([, number = "", rest = ""]) => ({
  number: Number(number),
  cells: rest.split(" | ").map((cell) => cell.trim()),
}));

/** As it stands, or as what the rows of a table share: "shared: ${row}". */
function exists(title: string, titles: ReadonlySet<string>): boolean {
  return [...titles].some(
    (candidate) =>
      candidate === title ||
      (candidate.startsWith(title) && /^[:,] \$\{/.test(candidate.slice(title.length))),
  );
}

describe("the table of promises", () => {
  test("is numbered, and each row says what, how and by which test", () => {
    assert.ok(rows.length > 20);
    assert.deepEqual(
      rows.map(({ number }) => number),
      rows.map((_, index) => index + 1),
    );
    for (const { number, cells } of rows) assert.equal(cells.length, 3, `row ${number}`);
  });

  test("names tests that exist", () => {
    const wrong = rows.flatMap(({ number, cells }) =>
      (cells[2] ?? "").split("<br>").flatMap((named) => {
        const [, name = "", title = ""] = /^`(\w+)`: (.+)$/.exec(named) ?? [];
        const file = files.get(name);
        if (file === undefined) return [`${number}: ${named} names no file`];
        return exists(title, titlesOf(file)) ? [] : [`${number}: ${file} has no test "${title}"`];
      }),
    );
    assert.deepEqual(wrong, []);
  });

  test("has every file of the legend in a row, and every security test in the legend", () => {
    for (const name of files.keys()) assert.ok(page.includes(`\`${name}\`: `), name);
    const tests = globSync("runtime/test/security/*.test.ts", { cwd: root });
    assert.deepEqual(
      tests.filter(
        (file) => !file.endsWith("/table.test.ts") && ![...files.values()].includes(file),
      ),
      [],
    );
  });
});
