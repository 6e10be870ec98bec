/** The service notifier and real processes that a service script starts and stops. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Project } from "../../../runtime/test/sandbox/plugins.ts";
import { temporaryFolder, tell, tellDown, withProject } from "../../testing.ts";

describe("the service notifier", () => {
  const folder = temporaryFolder();
  const script = join(folder.path, "service.sh");
  const log = join(folder.path, "log");

  before(() =>
    writeFileSync(
      script,
      `#!/bin/sh
# service.sh ACTION SERVICE: as an init script, with what was done as lines of a log.
cd ${folder.path} || exit 1
echo "$1 $2" >>log
stop() { [ ! -e "$1.pid" ] || kill "$(cat "$1.pid")"; rm -f "$1.pid"; }
start() { [ -e "$1.pid" ] || { sleep 60 >/dev/null 2>&1 & echo $! >"$1.pid"; }; }
[ ! -e "$2.broken" ] || { rm "$2.broken"; echo "$2 is broken"; exit 1; }
case "$1" in
  start) start "$2" ;;
  stop) stop "$2" ;;
  restart) stop "$2"; start "$2" ;;
esac
`,
      { mode: 0o755 },
    ),
  );
  beforeEach(() => writeFileSync(log, ""));
  after(() => {
    for (const service of ["redis", "nginx"]) {
      const pid = pidOf(service);
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
    folder.remove();
  });

  const done = (): readonly string[] => readFileSync(log, "utf8").split("\n").slice(0, -1);
  /** The running process of a service. */
  function pidOf(service: string): number | undefined {
    const file = join(folder.path, `${service}.pid`);
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : undefined;
  }
  const runs = (pid: number | undefined): boolean =>
    pid !== undefined &&
    existsSync(`/proc/${pid}`) &&
    !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

  function withNotifier(options: object, body: (project: Project) => Promise<void>): Promise<void> {
    const commands = ["redis", "nginx"].map((service) => [
      service,
      Object.fromEntries(
        ["start", "stop", "restart"].map((action) => [action, [script, action, service]]),
      ),
    ]);
    const actions = ["start", "stop", "restart"];
    return withProject(
      `services: ${JSON.stringify(Object.fromEntries(commands))},
      notify: [{
        plugin: "@karuntime/service",
        grant: { services: ${JSON.stringify({ redis: actions, nginx: actions })} },
        options: ${JSON.stringify({ services: ["redis", "nginx"], ...options })},
      }],`,
      body,
    );
  }

  test("starts services on the master, stops them on the backup, in the opposite order", () =>
    withNotifier({}, async (project) => {
      await tell(project, "master");
      const pid = pidOf("nginx");
      assert.ok(runs(pid));
      await tell(project, "contended");
      await tellDown(project);
      await tell(project, "fault");
      await tell(project, "stop");
      assert.ok(runs(pid));
      await tell(project, "backup");
      assert.ok(!runs(pid));
      assert.deepEqual(done(), ["start redis", "start nginx", "stop nginx", "stop redis"]);
    }));

  test("does what each event is configured to", () =>
    withNotifier(
      { master: "restart", backup: "restart", fault: "stop", stop: "stop" },
      async (project) => {
        await tell(project, "master");
        const first = pidOf("redis");
        await tell(project, "backup");
        assert.notEqual(pidOf("redis"), first);
        assert.ok(runs(pidOf("redis")) && !runs(first));
        await tell(project, "fault");
        assert.equal(pidOf("redis"), undefined);
        await tell(project, "stop");
        assert.deepEqual(done(), [
          "restart redis",
          "restart nginx",
          "restart redis",
          "restart nginx",
          "stop nginx",
          "stop redis",
          "stop nginx",
          "stop redis",
        ]);
      },
    ));

  test("goes on after a service that fails, and tries again", () =>
    withNotifier({}, async (project) => {
      writeFileSync(join(folder.path, "redis.broken"), "");
      await tell(project, "master");
      assert.ok(runs(pidOf("redis")) && runs(pidOf("nginx")));
      assert.deepEqual(done(), ["start redis", "start nginx", "start redis", "start nginx"]);
      assert.match(JSON.stringify(project.lines), /redis is broken/);
      await tell(project, "backup");
    }));

  test("knows no other action", () =>
    assert.rejects(
      withNotifier({ master: "halt" }, async () => undefined),
      (error: Error & { readonly diagnostics?: readonly { readonly message: string }[] }) => {
        assert.match(
          error.diagnostics?.[0]?.message ?? "",
          /found "halt", expected one of start, stop, restart, none/,
        );
        return true;
      },
    ));
});
