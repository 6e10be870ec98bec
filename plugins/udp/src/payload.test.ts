import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsAs, bytesOfHex, hexOf } from "./payload.ts";

const bytes = (...octets: readonly number[]): Uint8Array => Uint8Array.from(octets);

test("hex digits are octets, with or without something between them", () => {
  for (const text of ["230fff", "23 0F ff", "23:0f:ff", " 230f\nff"])
    assert.deepEqual(bytesOfHex(text), bytes(0x23, 0x0f, 0xff));
  assert.deepEqual(bytesOfHex(""), bytes());
  for (const text of ["2", "0x23", "zz", "23 0"])
    assert.throws(() => bytesOfHex(text), /hex digits/);
});

test("octets are shown in hex, not too many", () => {
  assert.equal(hexOf(bytes(0, 255, 16)), "00 ff 10");
  assert.equal(hexOf(new Uint8Array(33)), `${"00 ".repeat(32)}...`);
  assert.equal(hexOf(new Uint8Array(32)), "00 ".repeat(32).trim());
});

test("an answer begins as expected, or not", () => {
  const answer = bytes(0x70, 0x6f, 0x6e, 0x67, 0xff);
  assert.ok(beginsAs(answer, "", "text"));
  assert.ok(beginsAs(answer, "pong", "text"));
  assert.ok(beginsAs(answer, "70 6f", "hex"));
  assert.ok(beginsAs(answer, "p.n|x", "regex"));
  assert.ok(beginsAs(answer, "pong\\xff$", "regex"));
  assert.ok(!beginsAs(answer, "ong", "text"));
  assert.ok(!beginsAs(answer, "6f", "hex"));
  assert.ok(!beginsAs(answer, "x|ong", "regex"));
  assert.ok(!beginsAs(bytes(0x70), "po", "text"));
});
