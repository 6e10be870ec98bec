import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotifierEvent, PluginContext } from "@karuntime/sdk";
import plugin from "../src/index.ts";

const event: NotifierEvent = {
  sequence: 1,
  subject: { type: "virtual-router", name: "VI_1" },
  event: "master",
  state: "master",
  priority: 100,
  at: "2026-01-31T12:00:00.000Z",
  routerName: "a",
};

/** What was sent, to a server that answers with this status. */
async function notify(status: number): Promise<unknown> {
  let sent: unknown;
  const context = {
    options: { url: "http://127.0.0.1/" },
    fetch: async (_: string, init: { readonly body: string }) => {
      sent = JSON.parse(init.body);
      return { ok: status < 400, status };
    },
  };
  await plugin.notify(event, context as unknown as PluginContext<typeof plugin.options & object>);
  return sent;
}

test("sends the event", async () => assert.deepEqual(await notify(200), event));

test("fails when it is not taken, and so comes again", () =>
  assert.rejects(notify(500), /it answered 500/));
