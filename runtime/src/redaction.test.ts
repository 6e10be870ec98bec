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
