/** docs/rfc9568.md is complete, and each of its cells names a test that exists, or says why there is none. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { legendOf, root, titlesOf } from "./test-titles.ts";

const page = readFileSync(join(root, "docs/rfc9568.md"), "utf8");
const ROWS = 74;

const files = legendOf(page);
const rows = [...page.matchAll(/^\| ((?:3768-)?\d+) \|(.*)\|$/gm)].map(
  ([, number = "", rest = ""]) => ({
    number,
    cells: rest.split(" | ").map((cell) => cell.trim()),
  }),
);

/** A table-driven test: the name of its row, and what the test puts behind it. */
const SUFFIXES = [
  ": master, failover, failback, hand-over",
  ": two masters, and each names the other and the reason",
];

function exists(title: string, titles: ReadonlySet<string>): boolean {
  const suffix = SUFFIXES.find((candidate) => title.endsWith(candidate));
  if (suffix === undefined) return titles.has(title);
  const base = title.slice(0, -suffix.length);
  return titles.has(base) && titles.has(`\${name}${suffix}`);
}

describe("the table of the RFC", () => {
  test(`has every row from 1 to ${ROWS} once, and those of RFC 3768`, () => {
    const numbers = rows.map(({ number }) => number).filter((number) => !number.startsWith("3768"));
    assert.deepEqual(
      numbers,
      Array.from({ length: ROWS }, (_, index) => String(index + 1)),
    );
    assert.ok(rows.length > ROWS);
  });

  test("binds each row to what is demanded and to what is forbidden", () => {
    const wrong = rows.flatMap(({ number, cells }) => {
      const tests = cells.slice(3);
      if (tests.length !== 2) return [`${number}: ${tests.length} cells`];
      return tests.flatMap((cell) => {
        if (/^none: \S/.test(cell)) return [];
        const [, name = "", title = ""] = /^`(\w+)`: (.+)$/.exec(cell) ?? [];
        const file = files.get(name);
        if (file === undefined) return [`${number}: ${cell} names no file`];
        return exists(title, titlesOf(file)) ? [] : [`${number}: ${file} has no test "${title}"`];
      });
    });
    assert.deepEqual(wrong, []);
  });

  test("uses every test of rfc9568.test.ts", () => {
    const file = "runtime/src/vrrp/rfc9568.test.ts";
    const source = readFileSync(join(root, file), "utf8");
    const titles = [...source.matchAll(/\btest\("((?:[^"\\]|\\.)+)"/g)].map(
      ([, title = ""]) => title,
    );
    assert.ok(titles.length > 30);
    assert.deepEqual(
      titles.filter((title) => !page.includes(title)),
      [],
    );
  });
});
