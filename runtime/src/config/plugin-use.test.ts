import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTarget } from "./plugin-use.ts";

test("a target has a place, with an IPv6 address in brackets", () => {
  const placeOf = (text: string): string => checkTarget.parse(text).place;
  assert.equal(placeOf("192.0.2.1:80"), "192.0.2.1:80");
  assert.equal(placeOf("192.0.2.1:0080"), "192.0.2.1:80");
  assert.equal(placeOf("[2001:db8::1]:80"), "[2001:db8::1]:80");
  const { address, port } = checkTarget.parse("[2001:db8::1]:80");
  assert.deepEqual([address, port], ["2001:db8::1", 80]);
});

test("what is no address with a port is no target", () => {
  for (const text of ["192.0.2.1", "www.example.com:80", "2001:db8::1:80", "[::1]:65536", ""])
    assert.equal(checkTarget.safeParse(text).success, false, text);
});
