/** The demo is the test of this example: every step within the bounds that it states. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const DEMO_MS_MAX = 5 * 60_000;

test(
  "the demo's every step is within its bounds",
  { skip: process.getuid?.() === 0 ? false : "needs root: it makes network namespaces" },
  () => {
    const demo = spawnSync("tsx", [fileURLToPath(new URL("./demo.ts", import.meta.url))], {
      encoding: "utf8",
      timeout: DEMO_MS_MAX,
    });
    assert.equal(demo.status, 0, `${demo.error?.message ?? ""}\n${demo.stdout}${demo.stderr}`);
  },
);
