import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { StatusReport } from "../observe/status.ts";
import { askControl, serveControl } from "./control.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-control-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const report = {
  version: "0",
  startedAt: "",
  configuration: "",
  daemon: { pid: 7 },
  engine: { pid: 8, state: "running", restarts: 0, scheduling: undefined, lateness: undefined },
  sandboxes: [],
  virtualRouters: [],
  virtualServers: [],
  checks: [],
  drops: {},
} satisfies StatusReport;

test("status is answered over a socket that only its owner can use", async () => {
  const path = join(folder, "control.sock");
  const server = await serveControl(path, () => Promise.resolve(report));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const answer = await askControl(path, { type: "status" });
  assert.equal(answer?.type === "status" && answer.status.daemon.pid, 7);
  server.close();
});

test("a question that is none is answered with what was expected; no JSON ends the connection", async () => {
  const path = join(folder, "questions.sock");
  const server = await serveControl(path, () => Promise.resolve(report));
  assert.match(await say(path, '{"type":"reboot"}\n'), /expected \{ \\"type\\": \\"status\\" \}/);
  assert.equal(await say(path, "hello\n"), "");
  assert.equal(await say(path, `${"x".repeat(10_000)}\n`), "");
  server.close();
});

test("where no daemon listens there is no answer", async () => {
  assert.equal(await askControl(join(folder, "nobody.sock"), { type: "status" }), undefined);
});

/** Sends raw text and collects one answer, or nothing when the daemon hangs up. */
function say(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write(text));
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once("close", () => resolve(""));
    socket.once("error", () => resolve(""));
  });
}
