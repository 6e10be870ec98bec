import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckContext } from "@karuntime/sdk";
import nginx from "./nginx.ts";

/** The check's result, with so many processes and this status of the answer. */
async function check(processes: number, status: number): Promise<string | undefined> {
  const context = {
    options: { url: "http://127.0.0.1/" },
    processes: { count: async () => processes },
    fetch: async () => ({ ok: status < 400, status }),
    down: (reason: string) => ({ down: reason }),
  };
  const result = await nginx.check(
    context as unknown as CheckContext<typeof nginx.options & object>,
  );
  return result?.down;
}

test("up while nginx runs and answers", async () => {
  assert.equal(await check(2, 200), undefined);
});

test("down when nginx does not run", async () => {
  assert.equal(await check(0, 200), "nginx does not run");
});

test("down when nginx answers with an error", async () => {
  assert.equal(await check(2, 502), "nginx answered 502");
});
