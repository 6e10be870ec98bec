import assert from "node:assert/strict";
import { test } from "node:test";
import { readText } from "./text.ts";

test("escapes stand for octets, and the rest is UTF-8", () => {
  assert.deepEqual([...readText("PING\\r\\n")], [...Buffer.from("PING\r\n")]);
  assert.deepEqual([...readText("\\x00\\xfF\\0\\t\\\\n")], [0, 255, 0, 9, 92, 110]);
  assert.deepEqual([...readText("größe €")], [...Buffer.from("größe €")]);
  assert.equal(readText("").length, 0);
});

test("an unknown escape is named", () => {
  for (const text of ["\\q", "a\\", "\\xg0"])
    assert.throws(() => readText(text), /^Error: send: found ".*", expected one of/);
});
