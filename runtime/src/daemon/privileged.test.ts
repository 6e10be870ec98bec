import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Permissions } from "../sandbox/protocol.ts";
import { createServiceActions } from "./privileged.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-services-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const log = join(folder, "log");
const shell = (script: string): readonly string[] => ["/bin/sh", "-c", script];
const grant: Permissions = {
  processes: [],
  net: [],
  services: { web: ["start", "status", "stop"], gone: ["start"] },
};
const actions = createServiceActions({
  web: {
    start: shell(`echo begin >>${log}; sleep 0.2; echo end >>${log}`),
    stop: shell("echo it is stuck >&2; exit 3"),
    status: shell("exit 1"),
  },
  gone: { start: ["/nonexistent/command"] },
  other: { start: shell("true") },
});

test("an action that the grant does not list is refused, with the line to add", async () => {
  assert.deepEqual(await actions.perform(grant, "web", "restart"), {
    ok: false,
    error: 'not granted: permissions.services.web does not list "restart"',
  });
  assert.deepEqual(await actions.perform(grant, "other", "start"), {
    ok: false,
    error: 'not granted: permissions.services.other does not list "start"',
  });
  assert.deepEqual(await actions.perform(grant, "toString", "start"), {
    ok: false,
    error: 'not granted: permissions.services.toString does not list "start"',
  });
});

test("status tells apart running and not running", async () => {
  assert.deepEqual(await actions.perform(grant, "web", "status"), { ok: true, running: false });
});

test("a failure carries the exit status and what the command said", async () => {
  const result = await actions.perform(grant, "web", "stop");
  assert.ok(!result.ok);
  assert.match(result.error, /exited with status 3: it is stuck$/);
});

test("a command that does not exist is an error, not a crash", async () => {
  const result = await actions.perform(grant, "gone", "start");
  assert.ok(!result.ok);
  assert.match(result.error, /nonexistent.*ENOENT/);
});

test("two checks never act on one service at the same time", async () => {
  await Promise.all([
    actions.perform(grant, "web", "start"),
    actions.perform(grant, "web", "start"),
  ]);
  assert.equal(readFileSync(log, "utf8"), "begin\nend\nbegin\nend\n");
});
