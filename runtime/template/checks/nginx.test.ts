import assert from "node:assert/strict";
import { test } from "node:test";
import { runCheck } from "@karuntime/sdk/testing";
import nginx from "./nginx.ts";

const url = "http://127.0.0.1/";

test("up while nginx runs and answers", async () => {
  const { outcome, reason } = await runCheck(nginx, {
    options: { url },
    processes: { nginx: 2 },
    fetch: { [url]: { status: 200 } },
  });
  assert.equal(outcome, "up", reason);
});

test("down when nginx does not run", async () => {
  const { reason } = await runCheck(nginx, { options: { url }, processes: {} });
  assert.equal(reason, "nginx does not run");
});

test("down when nginx answers with an error", async () => {
  const { reason } = await runCheck(nginx, {
    options: { url },
    processes: { nginx: 2 },
    fetch: { [url]: { status: 502 } },
  });
  assert.equal(reason, "nginx answered 502");
});
