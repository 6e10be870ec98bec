/** Commands as keepalived runs its scripts: real processes. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { CommandResult, RunOptions } from "../../src/daemon/command.ts";
import { createCommandRunner } from "../../src/daemon/command.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-commands-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const isRoot = process.getuid?.() === 0;

function run(script: string, options?: RunOptions): Promise<CommandResult> {
  return createCommandRunner().run(["/bin/sh", "-c", script], options);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await pause(20);
  }
}

function alive(pidFile: string): boolean {
  try {
    process.kill(Number(readFileSync(pidFile, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}

describe("a command", () => {
  test("ends with a status, or by a signal, or does not start", async () => {
    assert.deepEqual(await run("exit 0"), { type: "exited", status: 0 });
    assert.deepEqual(await run("exit 7"), { type: "exited", status: 7 });
    assert.deepEqual(await run("kill -SEGV $$"), { type: "killed", signal: "SIGSEGV" });
    const missing = await createCommandRunner().run(["/no/such/file"]);
    assert.equal(missing.type, "not-started");
    writeFileSync(join(folder, "plain"), "exit 0\n");
    const plain = await createCommandRunner().run([join(folder, "plain")]);
    assert.deepEqual(plain, { type: "not-started", reason: "it is not executable" });
  });

  test("is found in PATH, and gets its words as they are", async () => {
    const lines: string[] = [];
    const onOutput = (line: string): void => void lines.push(line);
    await createCommandRunner().run(["printf", "%s\\n", "a b", "$HOME", "*"], {
      onOutput,
      append: ["end"],
    });
    assert.deepEqual(lines, ["a b", "$HOME", "*", "end"]);
  });

  test("runs without a shebang, as the shell would run it", async () => {
    const script = join(folder, "bare");
    writeFileSync(script, "exit 3\n", { mode: 0o755 });
    assert.deepEqual(await createCommandRunner().run([script]), { type: "exited", status: 3 });
  });

  test("has the environment without what changes how programs are loaded", async () => {
    const lines: string[] = [];
    const environment = {
      ...process.env,
      IFS: "x",
      LD_PRELOAD: "",
      LD_LIBRARY_PATH: "/x",
      KEPT: "yes",
    };
    await createCommandRunner(environment).run(["env"], {
      onOutput: (line) => void lines.push(line),
    });
    assert.ok(createCommandRunner !== undefined && lines.length > 0);
    const text: string[] = [];
    await createCommandRunner(environment).run(
      ["sh", "-c", 'echo "$KEPT,${LD_LIBRARY_PATH-none},${LD_PRELOAD-none}"'],
      { onOutput: (line) => void text.push(line) },
    );
    assert.deepEqual(text, ["yes,none,none"]);
  });

  test("is in a process group of its own", async () => {
    const lines: string[] = [];
    await run("ps -o pid=,pgid= -p $$", { onOutput: (line) => void lines.push(line) });
    const [pid, group] = (lines[0] ?? "").trim().split(/\s+/);
    assert.equal(pid, group);
  });

  test("is another user", { skip: isRoot ? false : "needs root" }, async () => {
    const lines: string[] = [];
    await run("id -u; id -g; id -G", {
      user: { uid: 65534, gid: 65534 },
      onOutput: (line) => void lines.push(line),
    });
    assert.deepEqual(lines, ["65534", "65534", "65534"]);
  });

  test("that runs too long is reported at once, and ended with all its children, also when it ignores SIGTERM", async () => {
    const pids = ["own", "child"].map((name) => join(folder, name));
    const started = performance.now();
    const result = await run(
      `trap '' TERM; echo $$ >${pids[0]}; (trap '' TERM; sh -c 'echo $PPID' >${pids[1]}; sleep 60) & sleep 60; sleep 60`,
      { timeoutMs: 500 },
    );
    assert.deepEqual(result, { type: "timed-out", afterMs: 500 });
    assert.ok(performance.now() - started < 1900, "the result waited for the end");
    await until("the end of both", () => pids.every((file) => existsSync(file) && !alive(file)));
  });

  test("does not hold us up by what it leaves behind", async () => {
    const started = performance.now();
    assert.deepEqual(await run("sleep 30 & exit 0"), { type: "exited", status: 0 });
    assert.ok(performance.now() - started < 10_000);
  });

  test("is ended at the stop", async () => {
    const runner = createCommandRunner();
    const result = runner.run(["sleep", "60"]);
    await pause(50);
    await runner.stop();
    assert.deepEqual(await result, { type: "killed", signal: "SIGTERM" });
  });

  test("that writes without end fills nothing", async () => {
    const lines: string[] = [];
    const result = await run("yes | head -c 20000000", {
      onOutput: (line) => void lines.push(line),
    });
    assert.deepEqual(result, { type: "exited", status: 0 });
    assert.ok(lines.length <= 20);
  });
});

describe("a script that stops keepalived", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["sh", "systemctl stop keepalived", "systemctl stop keepalived"],
    ["sh", "service keepalived stop", "service keepalived stop"],
    ["sh", "killall -9 keepalived", "killall -9 keepalived"],
    ["bash", "/etc/init.d/keepalived stop", "/etc/init.d/keepalived stop"],
    ["bash", "/usr/bin/systemctl stop keepalived.service", "systemctl stop keepalived.service"],
    [
      "bash",
      `ps -ef | grep '[c]ommand.test' >/dev/null; kill -9 ${process.pid}`,
      `kill -9 ${process.pid}`,
    ],
    ["sh", `echo ${process.pid} | xargs -I '{}' kill -9 {}`, `kill -9 ${process.pid}`],
  ];
  for (const [shell, line, by] of cases)
    test(`${shell}: ${line}`, async () => {
      const script = join(folder, "stop.sh");
      writeFileSync(script, `#!/usr/bin/env ${shell}\n${line}\nexit 0\n`, { mode: 0o755 });
      const result = await createCommandRunner().run([script], { interceptStop: true });
      assert.deepEqual(result, { type: "stopped-keepalived", by });
    });

  test("everything else is left to the real commands", async () => {
    const script = join(folder, "other.sh");
    writeFileSync(
      script,
      "#!/bin/bash\nkillall -0 keepalived 2>/dev/null; sleep 30 & kill -9 $!; wait $!; [ $? = 137 ] || exit 5\nkill -0 $$ && exit 4\n",
      { mode: 0o755 },
    );
    const result = await createCommandRunner().run([script], { interceptStop: true });
    assert.deepEqual(result, { type: "exited", status: 4 });
  });
});
