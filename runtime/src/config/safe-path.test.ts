import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PathFacts } from "./safe-path.ts";
import { unsafePath } from "./safe-path.ts";

describe("a file that root should not run", () => {
  type Entry = { mode: number; uid: number; gid: number };
  const directory: Entry = { mode: 0o040_755, uid: 0, gid: 0 };
  const file: Entry = { mode: 0o100_755, uid: 0, gid: 0 };
  const facts = (entries: Readonly<Record<string, Entry>>): PathFacts => ({
    stat: (path) => entries[path] ?? directory,
    realPath: (path) => (path === "/link" ? "/home/web/check.sh" : path),
  });
  const cases: readonly (readonly [string, string, Readonly<Record<string, Entry>>, RegExp?])[] = [
    ["one that only root can change", "/etc/a/check.sh", { "/etc/a/check.sh": file }],
    ["its owner is another", "/etc/a", { "/etc/a": { ...file, uid: 33 } }, /belongs to user 33/],
    [
      "a group can write it",
      "/etc/a",
      { "/etc/a": { ...file, mode: 0o100_775, gid: 4 } },
      /group 4 can write/,
    ],
    ["root's group may", "/etc/a", { "/etc/a": { ...file, mode: 0o100_775 } }],
    [
      "everybody can write it",
      "/etc/a",
      { "/etc/a": { ...file, mode: 0o100_757 } },
      /everybody can write/,
    ],
    [
      "a directory above can be written",
      "/opt/x/a",
      { "/opt": { ...directory, mode: 0o040_777 }, "/opt/x/a": file },
      /everybody can write \/opt/,
    ],
    [
      "a directory above with the sticky bit",
      "/tmp/a",
      { "/tmp": { ...directory, mode: 0o041_777 }, "/tmp/a": file },
    ],
    [
      "behind a link",
      "/link",
      { "/home/web": { ...directory, uid: 33 }, "/home/web/check.sh": file },
      /\/home\/web belongs to user 33/,
    ],
  ];
  for (const [name, path, entries, expected] of cases)
    test(name, () => {
      const why = unsafePath(path, facts(entries));
      if (expected === undefined) assert.equal(why, undefined);
      else assert.match(why ?? "", expected);
    });
});
