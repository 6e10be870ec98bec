import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { faultOf, readExpectation } from "./expectation.ts";

const NOTHING = { status: ["200-299"], digests: [], match: "" };
const body = new TextEncoder().encode("healthy\n");
/** As md5sum and sha256sum print them. */
const MD5 = "3b1fb749c971d7a2c6a517b37f735df2";
const SHA_256 = "63745aef95742025c6d7a1b4fc0e7107e6f3c3eb2e0cb290f33c46f176e6740d";

describe("an answer", () => {
  const fault = (status: number, options: object): string =>
    faultOf({ status, body }, readExpectation({ ...NOTHING, ...options }));

  test("has one of the codes", () => {
    for (const status of [200, 204, 299, 301])
      assert.equal(fault(status, { status: ["200-299", "301"] }), "");
    assert.equal(
      fault(302, { status: ["200-299", "301"] }),
      "it answered 302, expected 200-299 or 301",
    );
    assert.equal(fault(199, {}), "it answered 199, expected 200-299");
  });
  test("matches", () => {
    assert.equal(fault(200, { match: "^health" }), "");
    assert.equal(fault(200, { match: "sick" }), "the body does not match /sick/");
  });
  test("has one of the digests", () => {
    assert.equal(fault(200, { digests: [MD5.toUpperCase()] }), "");
    assert.equal(fault(200, { digests: ["0".repeat(32), SHA_256] }), "");
    assert.equal(
      fault(200, { digests: ["0".repeat(32)] }),
      `the body is another: its MD5 is ${MD5}, its SHA-256 ${SHA_256}`,
    );
  });
});

test("what cannot be expected is named", () => {
  const read = (options: object) => () => readExpectation({ ...NOTHING, ...options });
  for (const status of ["299-200", "20", "600", "200-", "ok"])
    assert.throws(
      read({ status: [status] }),
      /^Error: status: found ".*", expected a code or a range/,
    );
  assert.throws(read({ digests: ["abc"] }), /^Error: digests: found "abc", expected an MD5/);
  assert.throws(read({ match: "(" }), /Invalid regular expression/);
});
