import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Permissions } from "../sandbox/protocol.ts";
import { NOTHING } from "../plugins/manifest.ts";
import { createServiceActions } from "./privileged.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-services-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const log = join(folder, "log");
const shell = (script: string): readonly string[] => ["/bin/sh", "-c", script];
const grant: Permissions = {
  ...NOTHING,
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
  assert.match(result.error, /nonexistent.*there is no such file/);
});

test("two checks that ask for the same action get one action's result; another action has to wait its turn", async () => {
  const starts = [actions.perform(grant, "web", "start"), actions.perform(grant, "web", "start")];
  const refused = await actions.perform(grant, "web", "stop");
  assert.deepEqual(refused, { ok: false, error: "web is busy: another check asked for start" });
  assert.deepEqual(await Promise.all(starts), [
    { ok: true, running: true },
    { ok: true, running: true },
  ]);
  assert.equal(readFileSync(log, "utf8"), "begin\nend\n");
});

test("a command gets none of the daemon's environment", async () => {
  process.env["KARUNTIME_TEST_SECRET"] = "hidden";
  const own = createServiceActions({ web: { start: shell(`env >${log}.env`) } });
  assert.ok((await own.perform(grant, "web", "start")).ok);
  delete process.env["KARUNTIME_TEST_SECRET"];
  const environment = readFileSync(`${log}.env`, "utf8");
  assert.match(environment, /^PATH=/m);
  assert.doesNotMatch(environment, /hidden/);
});

test("where systemd runs, services without a command are acted on by systemctl", async () => {
  const systemctl = join(folder, "systemctl");
  writeFileSync(
    systemctl,
    `#!/bin/sh\necho "$@" >>${log}.systemctl\ncase $1 in is-active) exit 3;; esac\n`,
    { mode: 0o755 },
  );
  const own = createServiceActions({}, { runningPath: folder, systemctl });
  assert.deepEqual(await own.perform(grant, "web", "start"), { ok: true, running: true });
  assert.deepEqual(await own.perform(grant, "web", "status"), { ok: true, running: false });
  assert.equal(readFileSync(`${log}.systemctl`, "utf8"), "start -- web\nis-active -- web\n");
  const odd: Permissions = { ...grant, services: { "--now": ["start"] } };
  assert.equal((await own.perform(odd, "--now", "start")).ok, false);
});
