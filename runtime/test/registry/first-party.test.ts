/** First-party plugins as their users get them: packed, published to a real registry, added to a fresh project, run. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "@karuntime/lab/time.ts";
import { readLock } from "../../dist/plugins/lock.js";
import type { CommandResult, Registry } from "./registry.ts";
import { startRegistry } from "./registry.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");
const REDIS = "/usr/bin/redis-server";
const PLUGINS = ["http", "redis", "tcp"];
const DEADLINE_MS = 15_000;

describe("first-party plugins from a registry", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-first-party-"));
  const project = join(folder, "project");
  let registry: Registry;
  const good = async (running: Promise<CommandResult>): Promise<string> => {
    const { status, stdout, stderr } = await running;
    assert.equal(status, 0, `${stdout}${stderr}`);
    return stdout;
  };
  const invoke = (name: string, port: number, ...argv: string[]): Promise<CommandResult> => {
    const target = ["--target", `127.0.0.1:${port}`];
    return registry.run(PROGRAM, ["invoke", `@karuntime/${name}`, ...target, ...argv], project);
  };

  before(async () => {
    registry = await startRegistry(join(folder, "registry"));
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), "{}");
    for (const name of PLUGINS) {
      const source = join(root, "plugins", name);
      const packed = await good(registry.run(PROGRAM, ["plugin", "pack", source], folder));
      const tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
      // As a releaser does: what was verified is published as it is.
      const argv = ["publish", tarball, "--ignore-scripts", "--access", "public"];
      await good(registry.run("npm", argv, folder));
      const add = ["plugin", "add", `@karuntime/${name}`, "--yes", "--min-age", "0"];
      await good(registry.run(PROGRAM, add, project));
    }
  });
  after(async () => {
    await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("are locked with what they ask for", () => {
    const lock = readLock(project);
    assert.deepEqual(
      Object.keys(lock),
      PLUGINS.map((name) => `@karuntime/${name}`),
    );
    assert.deepEqual(lock["@karuntime/redis"]?.grant.secrets, ["{secret}", "{keySecret}"]);
  });

  test("http and tcp judge a web server", async () => {
    const server = createServer((request, response) =>
      response.writeHead(request.url === "/health" ? 200 : 503).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      assert.match(
        await good(invoke("http", port, "--option", "paths=/health")),
        /^checker @karuntime\/http: up\n/,
      );
      const { status, stdout } = await invoke("http", port, "--option", "paths=/other");
      assert.equal(status, 1);
      assert.match(stdout, /: down: .*503/);
      await good(invoke("tcp", port));
    } finally {
      server.close();
      server.closeAllConnections();
    }
    assert.equal((await invoke("tcp", port)).status, 1);
  });

  test("redis judges a redis server", async (context) => {
    if (!existsSync(REDIS)) return context.skip("redis-server is not installed");
    const port = await unusedPort();
    const options = { port, bind: "127.0.0.1", save: "", dir: folder, logfile: "/dev/null" };
    const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = spawn(REDIS, argv, { stdio: "ignore" });
    const ended = new Promise((resolve) => server.on("close", resolve));
    try {
      await waitFor("redis to listen", () => listens(port), DEADLINE_MS);
      assert.match(
        await good(invoke("redis", port, "--option", "role=master")),
        /: up\n[^]*redis_connected_replicas/,
      );
      const { status, stdout } = await invoke("redis", port, "--option", "role=replica");
      assert.equal(status, 1);
      assert.match(stdout, /: down: .*master/);
    } finally {
      server.kill("SIGKILL");
      await ended;
    }
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
