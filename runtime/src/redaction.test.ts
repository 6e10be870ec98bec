import assert from "node:assert/strict";
import { test } from "node:test";
import { createRedaction } from "./redaction.ts";
import { singleLine } from "./single-line.ts";

test("a secret is replaced wherever it stands, also in the forms in which it travels", () => {
  const redact = createRedaction([{ redis: "s3cr/et" }, { longer: "s3cr/et-and-more", pin: "12" }]);
  assert.equal(
    redact("AUTH s3cr/et failed, s3cr/et!"),
    "AUTH [secret redis] failed, [secret redis]!",
  );
  assert.equal(redact("s3cr/et-and-more"), "[secret longer]");
  assert.equal(redact("redis://:s3cr%2Fet@host"), "redis://:[secret redis]@host");
  assert.equal(redact(`Basic ${btoa("s3cr/et")}`), "Basic [secret redis]");
  assert.equal(redact("port 12"), "port 12");
});

test("a secret of several lines, or with quotation marks, is found in a single line and in JSON", () => {
  const key = '-----BEGIN KEY-----\nab"cd\n-----END KEY-----\n';
  const redact = createRedaction([{ key }]);
  assert.equal(redact(singleLine(`the key: ${key}.`)), "the key: [secret key] .");
  assert.equal(redact(JSON.stringify({ key })), '{"key":"[secret key]"}');
});

test("a secret is found in base64 of something longer, wherever it stands in it", () => {
  const secret = "correct horse battery";
  const redact = createRedaction([{ secret }]);
  for (const before of ["", "u", "us", "user:"])
    for (const after of ["", ":", "::", " staple"]) {
      const said = redact(btoa(`${before}${secret}${after}`));
      assert.match(said, /\[secret secret\]/, `${before}...${after}`);
      // Of an octet that shares a character with another one nothing can be read.
      assert.ok(said.length <= "[secret secret]".length + 20, said);
    }
});

test("a text that was cut in the middle of a secret keeps no part of it", () => {
  const key = `-----BEGIN KEY-----\n${"TXkgc2VjcmV0\n".repeat(100)}`;
  const redact = createRedaction([{ key }]);
  for (const form of [key, singleLine(key), JSON.stringify(key), btoa(key)])
    assert.equal(redact(`it is ${form}`.slice(0, 600)).replace('"', ""), "it is [secret key]");
  assert.equal(redact(`it is ${key.slice(0, 600)} (a.ts:1:2)`), "it is [secret key] (a.ts:1:2)");
  assert.equal(
    redact("what begins like it: -----BEGIN KEY----- and goes on"),
    "what begins like it: -----BEGIN KEY----- and goes on",
  );
});

test("a secret is found in JSON within JSON", () => {
  const redact = createRedaction([{ quoted: 'ab"cd\\ef' }]);
  const twice = JSON.stringify(JSON.stringify({ a: 'ab"cd\\ef' }));
  assert.doesNotMatch(redact(twice), /cd/);
});
