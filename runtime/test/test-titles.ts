/** What test files call their tests, for tables in the documentation that name them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a file calls its tests: every text on a line of its own or behind `test(`, and the keys of its tables. */
export function titlesOf(file: string): ReadonlySet<string> {
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  return new Set(
    lines.flatMap((line) =>
      [...line.matchAll(/"((?:[^"\\]|\\.)+)"|`((?:[^`\\]|\\.)+)`|^ *(\w+): [[{]/g)].map(
        ([, quoted, template, key]) => quoted ?? template ?? key ?? "",
      ),
    ),
  );
}

/** The file behind each name of a page's legend, whose lines are "| `name` | [file](...) ... |". */
export function legendOf(page: string): ReadonlyMap<string, string> {
  return new Map(
    [...page.matchAll(/^\| `(\w+)` \| \[([^\]]+)\]/gm)].map(([, name = "", file = ""]) => [
      name,
      file,
    ]),
  );
}
