import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createStore } from "./store.ts";

describe("what plugins keep", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "karuntime-store-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const complaints: string[] = [];
  const open = (directory = join(folder, "store")) =>
    createStore(directory, (plugin, reason) => complaints.push(`${plugin}: ${reason}`));

  test("is there after a restart, for that plugin alone", () => {
    const first = open();
    assert.equal(first.get("a", "seen"), null);
    first.set("a", "seen", "1");
    first.set("../../b", "é\u0000", "2");
    first.set("a", "gone", "3");
    first.set("a", "gone", null);
    first.close();
    const second = open();
    assert.deepEqual(second.keys("a"), ["seen"]);
    assert.equal(second.get("a", "seen"), "1");
    assert.equal(second.get("b", "seen"), null);
    assert.equal(second.get("../../b", "é\u0000"), "2");
    assert.deepEqual(complaints, []);
    assert.equal(statSync(join(folder, "store")).mode & 0o777, 0o700);
    assert.equal(readdirSync(join(folder, "store")).length, 2);
  });

  test("is bounded", () => {
    const store = open();
    assert.throws(() => store.set("c", "", "x"), /1 to 64 characters/);
    assert.throws(() => store.set("c", "k".repeat(65), "x"), /1 to 64 characters/);
    assert.throws(() => store.set("c", "k", "x".repeat(4097)), /at most 4096 characters/);
    for (let index = 0; index < 64; index++) store.set("c", `k${index}`, "x");
    assert.throws(() => store.set("c", "one more", "x"), /64 keys already/);
    store.set("c", "k0", "changed");
    store.close();
  });

  test("a damaged file is said and begins anew; a place that cannot be written is said, and memory serves", () => {
    const [file = ""] = readdirSync(join(folder, "store")).filter((name) => name.startsWith("a."));
    writeFileSync(join(folder, "store", file), '[["seen", 1]]');
    assert.equal(open().get("a", "seen"), null);
    assert.match(complaints.pop() ?? "", /^a: its file is damaged/);
    const nowhere = open("/proc/nowhere");
    nowhere.set("a", "k", "v");
    nowhere.close();
    assert.match(complaints.pop() ?? "", /^a: .*(?:ENOENT|EACCES|EPERM|EROFS)/);
    assert.equal(nowhere.get("a", "k"), "v");
  });
});
