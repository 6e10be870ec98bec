import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { LockedPlugin } from "./lock.ts";
import { LOCK_FILE, readLock, writeLock } from "./lock.ts";
import { NOTHING } from "./manifest.ts";

const locked: LockedPlugin = {
  version: "1.2.3",
  integrity: "sha512-abc",
  kind: "check",
  sha256: "0".repeat(64),
  grant: { ...NOTHING, net: ["{host}:{port}"], mail: true },
};

describe("karuntime.lock", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-lock-"));
  const file = join(folder, LOCK_FILE);
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("without a file nothing is locked", () => assert.deepEqual(readLock(folder), {}));

  test("is sorted, says what is granted and nothing more, and is read as it was written", () => {
    writeLock(folder, { "karuntime-plugin-b": locked, "@a/x": { ...locked, grant: NOTHING } });
    assert.equal(
      readFileSync(file, "utf8"),
      `{
  "lockVersion": 1,
  "plugins": {
    "@a/x": {
      "version": "1.2.3",
      "integrity": "sha512-abc",
      "kind": "check",
      "sha256": "${"0".repeat(64)}",
      "grant": {}
    },
    "karuntime-plugin-b": {
      "version": "1.2.3",
      "integrity": "sha512-abc",
      "kind": "check",
      "sha256": "${"0".repeat(64)}",
      "grant": {
        "mail": true,
        "net": [
          "{host}:{port}"
        ]
      }
    }
  }
}
`,
    );
    assert.deepEqual(readLock(folder), {
      "@a/x": { ...locked, grant: NOTHING },
      "karuntime-plugin-b": locked,
    });
    assert.deepEqual(readdirSync(folder), [LOCK_FILE]);
  });

  test("what is no lock is refused with what to do", () => {
    for (const [text, found] of [
      ["{", /is no JSON/],
      ["{}", /lockVersion/],
      ['{"lockVersion":2,"plugins":{}}', /lockVersion/],
      [
        JSON.stringify({ lockVersion: 1, plugins: { x: { ...locked, sha256: "1" } } }),
        /plugins\.x\.sha256: expected 64/,
      ],
      [
        JSON.stringify({ lockVersion: 1, plugins: { x: { ...locked, grant: { all: true } } } }),
        /plugins\.x\.grant/,
      ],
    ] as const) {
      writeFileSync(file, text);
      assert.throws(
        () => readLock(folder),
        (error: Error) =>
          found.test(error.message) && /karuntime plugin add NAME/.test(error.message),
        text,
      );
    }
  });
});
