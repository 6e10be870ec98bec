import assert from "node:assert/strict";
import { test } from "node:test";
import { basicAuthorization, readHeaders, readUrl } from "./request.ts";

test("headers are read from lines", () => {
  assert.deepEqual(readHeaders(["Accept: text/html", "X-Empty:", "X-Time:  12:30 "]), [
    ["Accept", "text/html"],
    ["X-Empty", ""],
    ["X-Time", "12:30"],
  ]);
  for (const line of ["", "Accept", "Two words: x", ": x"])
    assert.throws(() => readHeaders([line]), /^Error: headers: found ".*", expected "Name: value"/);
});

test("a password may have any letters", () =>
  assert.deepEqual(basicAuthorization("test", "123£"), [
    "authorization",
    "Basic dGVzdDoxMjPCow==",
  ]));

test("a path cannot change the host", () => {
  assert.equal(readUrl(true, "www.example.com", "/a?b"), "https://www.example.com/a?b");
  assert.throws(() => readUrl(false, "a", "@b/"), /^Error: paths: found "@b\/", expected a path/);
});
