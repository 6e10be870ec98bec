import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckerContext } from "@karuntime/sdk";
import plugin from "../src/index.ts";

/** The check's result when the server says this, and where it connected to. */
async function check(line: string): Promise<readonly unknown[]> {
  let connected = "";
  const context = {
    options: { greeting: "220" },
    target: { address: "192.0.2.1", port: 25, place: "192.0.2.1:25", virtualService: "" },
    connect: async (place: string) => {
      connected = place;
      return { readUntil: async () => line };
    },
    down: (reason: string) => ({ down: reason }),
  };
  const result = await plugin.check(
    context as unknown as CheckerContext<typeof plugin.options & object>,
  );
  return [connected, result];
}

test("up when the server greets as expected", async () =>
  assert.deepEqual(await check("220 ready\r\n"), ["192.0.2.1:25", undefined]));

test("down when it does not", async () =>
  assert.deepEqual(await check("421 busy\r\n"), [
    "192.0.2.1:25",
    { down: "it greets with 421 busy" },
  ]));
