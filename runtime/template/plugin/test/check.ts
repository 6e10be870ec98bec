import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckContext } from "@karuntime/sdk";
import plugin from "../src/index.ts";

/** The check's result when the answer has this status. */
async function check(status: number): Promise<unknown> {
  const context = {
    options: { url: "http://127.0.0.1/", slowMs: 500 },
    fetch: async () => ({ ok: status < 400, status }),
    down: (reason: string) => ({ down: reason }),
  };
  return plugin.check(context as unknown as CheckContext<typeof plugin.options & object>);
}

test("up when the answer is good", async () => assert.equal(await check(200), undefined));

test("down when it is not", async () =>
  assert.deepEqual(await check(502), { down: "it answered 502" }));
