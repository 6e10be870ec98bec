import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf } from "./reason.ts";

const result = { status: 1, signal: null, stdout: "", stderr: "" };

test("the first line that a script wrote is the reason", () => {
  assert.equal(
    reasonOf({ ...result, stdout: "\n nginx is gone \nmore\n", stderr: "warning\n" }),
    "nginx is gone (exit status 1)",
  );
  assert.equal(
    reasonOf({ ...result, stdout: " \n", stderr: "no config\n" }),
    "no config (exit status 1)",
  );
});

test("a silent one is told by how it ended", () => {
  assert.equal(reasonOf({ ...result, status: 3 }), "exit status 3");
  assert.equal(reasonOf({ ...result, status: null, signal: "SIGKILL" }), "it was ended by SIGKILL");
});
