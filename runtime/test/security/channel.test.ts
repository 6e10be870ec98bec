/**
 * What a sandbox host says to the daemon, when the host is no longer its own master. The test takes the host's own end of
 * its channel (pidfd_getfd(2)) and says there what an escaped plugin would.
 */
import assert from "node:assert/strict";
import { closeSync, existsSync, mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import koffi from "koffi";
import { CHANNEL_DESCRIPTOR } from "../../dist/sandbox/spawn.js";
import { check } from "../sandbox/host.ts";
import type { Project } from "../sandbox/plugins.ts";
import { configuration, startProject } from "../sandbox/plugins.ts";

const needsRoot =
  process.getuid?.() === 0 ? false : "needs root: another user's descriptor is taken";
/** unistd.h, the same on every architecture. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const syscall = koffi
  .load("libc.so.6")
  .func("long syscall(long number, long first, long second, long third)") as (
  number: number,
  first: number,
  second: number,
  third: number,
) => number;

const folder = mkdtempSync(join(tmpdir(), "karuntime-channel-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const touched = join(folder, "touched");
const quiet = check("await null;");
const touching = check(
  "await null;",
  `{ exec: [["/usr/bin/touch", "${touched}"]], store: true, processes: ["init"] }`,
);

/** Writes lines into the channel as the process itself would. */
function sayAs(pid: number, lines: readonly string[]): void {
  const process = syscall(SYS_PIDFD_OPEN, pid, 0, 0);
  const channel = syscall(SYS_PIDFD_GETFD, process, CHANNEL_DESCRIPTOR, 0);
  assert.ok(channel >= 0, "the channel could not be taken");
  writeSync(channel, lines.map((line) => `${line}\n`).join(""));
  closeSync(channel);
  closeSync(process);
}

/** The operator's check, `victim`, may do something; the package's, `guest`, may do nothing. */
async function withProject(
  body: (project: Project, guest: number) => Promise<void>,
): Promise<void> {
  const project = await startProject({
    "victim.ts": touching,
    "node_modules/guest/package.json": '{ "name": "guest", "exports": "./index.js" }',
    "node_modules/guest/index.js": quiet,
    "karuntime.config.ts": configuration(
      'checks: { victim: { plugin: "./victim.ts" }, guest: { plugin: "guest" } },',
    ),
  });
  try {
    await project.judged("victim");
    await project.judged("guest");
    await body(project, project.pid("guest") ?? 0);
  } finally {
    await project.stop();
  }
}

const exec = { type: "exec", argv: ["/usr/bin/touch", touched], timeoutMs: 1000 };

describe("a host that says what it may not", { skip: needsRoot }, () => {
  for (const [what, message] of Object.entries({
    "a judgement": {
      type: "state",
      check: "victim",
      state: "down",
      weight: null,
      reason: "forged",
    },
    "a log line": { type: "log", plugin: "victim", level: "error", message: "forged" },
    "a request": { type: "request", id: 1000, plugin: "victim", request: exec },
  }))
    test(`for a plugin of another group is ended, without effect: ${what}`, () =>
      withProject(async (project, guest) => {
        const other = project.pid("operator");
        sayAs(guest, [JSON.stringify(message)]);
        await project.waitFor("its end", () =>
          project.lines.find(
            ({ fields }) =>
              fields["reason"] === "it spoke for victim, a plugin that it does not have",
          ),
        );
        await project.waitFor("the next host", () =>
          [undefined, guest].includes(project.pid("guest")) ? undefined : true,
        );
        await project.waitFor("its process to be gone", () =>
          existsSync(`/proc/${guest}`) ? undefined : true,
        );
        assert.equal(project.pid("operator"), other);
        const said = JSON.stringify([project.judgements, project.lines]);
        assert.doesNotMatch(said, /forged/);
        assert.ok(!existsSync(touched));
      }));

  for (const [what, line] of Object.entries({
    "no JSON": "state: down",
    "an unknown type": '{"type":"configure","virtualRouters":[]}',
    "what only the loader's may say": '{"type":"evaluated","id":1,"result":{"ok":true,"value":1}}',
    "a weight out of range":
      '{"type":"state","check":"guest","state":"up","weight":254,"reason":""}',
    "a field too many":
      '{"type":"state","check":"guest","state":"down","weight":null,"reason":"","as":"root"}',
    "a reason with control characters":
      '{"type":"state","check":"guest","state":"down","weight":null,"reason":"\\u001b[2J"}',
  }))
    test(`that is malformed is ended, without effect: ${what}`, () =>
      withProject(async (project, guest) => {
        sayAs(guest, [line]);
        const { fields } = await project.waitFor("its end", () =>
          project.lines.find(({ message }) => message.startsWith("the sandbox host is replaced")),
        );
        assert.equal(fields["sandbox"], "guest");
        assert.match(
          String(fields["reason"]),
          /no sandbox host may send|its messages broke off: a line is not JSON/,
        );
        await project.waitFor("its process to be gone", () =>
          existsSync(`/proc/${guest}`) ? undefined : true,
        );
        assert.ok(project.judgements.every(({ state, weight }) => state === "up" && !weight));
      }));

  test("in its own name, but beyond its grant, is refused each request", () =>
    withProject(async (project, guest) => {
      const requests = [
        exec,
        { type: "service", service: "nginx", action: "stop" },
        { type: "mail", subject: "a", text: "b" },
        { type: "store", action: "set", key: "runs", value: "1" },
        { type: "watch", process: "init" },
        { type: "ping", host: "127.0.0.1", timeoutMs: 100, size: 56 },
      ];
      const log = { type: "log", plugin: "guest", level: "info", message: "that was all" };
      sayAs(guest, [
        ...requests.map((request, index) =>
          JSON.stringify({ type: "request", id: 1000 + index, plugin: "guest", request }),
        ),
        JSON.stringify(log),
      ]);
      await project.waitFor("the last message", () =>
        project.lines.find(({ message }) => message === "that was all"),
      );
      // Whatever they lead to is there by then; what is kept is written at the end.
      await sleep(500);
      await project.plugins.stop();
      assert.ok(!existsSync(touched));
      assert.ok(project.lines.every(({ message }) => message !== "service action performed"));
      assert.ok(!existsSync(join(project.folder, "state")));
    }));

  test("while the one whose name it was may do what it was granted", () =>
    withProject(async (project) => {
      const request = { type: "request", id: 1000, plugin: "victim", request: exec };
      sayAs(project.pid("operator") ?? 0, [JSON.stringify(request)]);
      await project.waitFor("the command", () => (existsSync(touched) ? true : undefined));
      rmSync(touched);
    }));
});
