/** Every keyword that keepalived 2.4 installs is known, with or without effect. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readText } from "../keepalived.ts";

const keywords = readFileSync(new URL("keywords.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

test(`all ${keywords.length} keywords are known in some block`, () => {
  assert.ok(keywords.length > 300);
  const unknown = keywords.filter((keyword) =>
    // At the top level most of them are in the wrong place, which says where they belong.
    readText(`${keyword}\n`).diagnostics.some(
      ({ message }) => message === `found the unknown keyword ${JSON.stringify(keyword)}`,
    ),
  );
  assert.deepEqual(unknown, []);
});

test("a word that is no keyword is not", () => {
  const [first] = readText("vrrp_instanze X {\n}\n").diagnostics;
  assert.equal(first?.message, 'found the unknown keyword "vrrp_instanze"');
  assert.equal(first?.hint, 'did you mean "vrrp_instance"?');
});
