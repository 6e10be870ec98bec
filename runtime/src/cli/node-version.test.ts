import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { nodeFault } from "./node-version.ts";

test("a Node.js that is too old is refused, this one and later ones are not", () => {
  assert.match(
    nodeFault("v20.20.2") ?? "",
    /^this is Node\.js v20\.20\.2 \(.+\), expected 24 or newer$/,
  );
  for (const version of [process.version, "v24.0.0", "v26.10.0", "v100.0.0"])
    assert.equal(nodeFault(version), undefined);
});

test("it is what the package says of itself", () => {
  const file = new URL("../../package.json", import.meta.url);
  const { engines } = JSON.parse(readFileSync(file, "utf8")) as { engines: { node: string } };
  assert.equal(engines.node, ">=24");
});
