/** A plugin's whole way: made, built, published to a real registry, installed in another project, and attacked there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { waitFor } from "@karuntime/lab/time.ts";
import type { Lock } from "../../dist/plugins/lock.js";
import { readLock } from "../../dist/plugins/lock.js";
import { check } from "../sandbox/host.ts";
import type { Project } from "../sandbox/plugins.ts";
import { configuration, startFolder } from "../sandbox/plugins.ts";
import { DEADLINE_MS, logged, whyNot, withCluster } from "../netns/cluster.ts";
import type { CommandResult, Registry } from "./registry.ts";
import { startRegistry } from "./registry.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = join(root, "runtime/bin/karuntime");
const NAME = "karuntime-plugin-sample";
const VIRTUAL = "10.0.0.100";

describe("a plugin, from its author to another project", () => {
  // Inside the checkout: there its author has the SDK and the tools without a download.
  const folder = mkdtempSync(join(root, ".registry-"));
  const author = join(folder, NAME);
  const project = join(folder, "project");
  const types = join(project, "karuntime-env.d.ts");
  const bundle = join(project, "node_modules", NAME, "dist/index.js");
  let registry: Registry;
  let service: Server;
  /** What it answers; 0 hangs up. */
  let status = 200;

  before(async () => {
    registry = await startRegistry(join(folder, "registry"));
    service = createServer((_, response) =>
      status === 0 ? response.destroy() : response.writeHead(status).end(),
    );
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), "{}");
    writeFileSync(join(project, "own.ts"), check("await null;"));
    writeFileSync(
      join(project, "karuntime.config.ts"),
      configuration(`checks: {
        own: { plugin: "./own.ts" },
        sample: { plugin: "${NAME}", options: { url: "${url}", slowMs: 5000 }, interval: "100ms", timeout: "5s" },
      },`),
    );
  });
  after(async () => {
    service.close();
    await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const plugin = (cwd: string, ...argv: string[]): Promise<CommandResult> =>
    registry.run(PROGRAM, ["plugin", ...argv], cwd);
  const validate = (): Promise<CommandResult> => registry.run(PROGRAM, ["validate"], project);
  const lock = (): Lock => readLock(project);

  async function good(running: Promise<CommandResult>): Promise<CommandResult> {
    const result = await running;
    assert.equal(result.status, 0, `${result.stdout}\n${result.stderr}`);
    return result;
  }
  async function withProject(body: (started: Project) => Promise<void>): Promise<void> {
    const started = await startFolder(project);
    try {
      assert.equal((await started.judged("own")).state, "up");
      await body(started);
    } finally {
      await started.stop();
    }
  }
  /** The plugin's check is down for this reason, in `validate` too, and the other one runs. */
  async function isRefused(reason: RegExp): Promise<void> {
    const { status: exit, stderr, stdout } = await validate();
    assert.equal(exit, 2, stderr);
    assert.match(stderr, reason);
    assert.doesNotMatch(stdout, /is good/);
    await withProject(async (started) => {
      const judged = await started.judged("sample");
      assert.equal(judged.state, "down");
      assert.match(judged.reason, reason);
    });
  }
  async function runs(): Promise<void> {
    assert.match((await good(validate())).stdout, /is good: 1 virtual router, 2 checks/);
    status = 200;
    await withProject(async (started) => {
      assert.equal((await started.judged("sample")).state, "up");
      status = 503;
      await started.waitFor("its being down", () =>
        started.judgements.find(
          ({ check: name, reason }) => name === "sample" && reason === "it answered 503",
        ),
      );
    });
  }

  test("is made, tested, built, verified, and published", async () => {
    await good(plugin(folder, "new", "sample"));
    symlinkSync(join(root, "node_modules"), join(author, "node_modules"));
    await good(registry.run("npm", ["test"], author));
    await good(plugin(author, "build"));
    assert.match((await good(plugin(author, "verify"))).stdout, /is good/);
    await good(plugin(author, "publish", "--registry", registry.url));
    const shown = await good(registry.run("npm", ["view", NAME, "versions", "--json"], project));
    assert.deepEqual(JSON.parse(shown.stdout), ["0.1.0"]);
  });

  test("is not published when it breaks a rule", async () => {
    const file = join(author, "README.md");
    const readme = readFileSync(file, "utf8");
    writeFileSync(file, "nothing");
    const { status: exit, stderr } = await plugin(author, "publish", "--registry", registry.url);
    writeFileSync(file, readme);
    assert.equal(exit, 2);
    assert.match(stderr, /README does not name what the code asks for: net \{url\}/);
  });

  test("is not installed when nobody agreed", async () => {
    const { status: exit, stdout, stderr } = await plugin(project, "add", NAME);
    assert.equal(exit, 2);
    assert.match(
      stdout,
      /- connect to the address that you configure \(option url\)\nand nothing else/,
    );
    assert.match(stderr, /no terminal to ask on.*--yes\n.*nothing is installed/);
    assert.equal(readFileSync(join(project, "package.json"), "utf8"), "{}");
    assert.ok(!existsSync(join(project, "node_modules", NAME)));
    assert.ok(!existsSync(join(project, "karuntime.lock")));
  });

  test("is installed when the operator agrees on a terminal", async (context) => {
    if (spawnSync("script", ["--version"]).status !== 0)
      return context.skip("needs script (Debian: bsdutils) for a terminal");
    const answer = (word: string): Promise<CommandResult> =>
      registry.onTerminal(`'${PROGRAM}' plugin add ${NAME}`, project, "[y/N]", word);
    const refused = await answer("n");
    assert.equal(refused.status, 2, refused.stdout);
    assert.ok(!existsSync(bundle));
    const agreed = await answer("y");
    assert.equal(agreed.status, 0, agreed.stdout);
    assert.ok(existsSync(bundle));
    assert.ok(!existsSync(types));
    await good(plugin(project, "remove", NAME));
    assert.ok(!existsSync(bundle));
    assert.deepEqual(lock(), {});
  });

  test("is known to editors as long as it is installed, where they want to know", async () => {
    await good(registry.run(PROGRAM, ["types"], project));
    assert.doesNotMatch(readFileSync(types, "utf8"), /sample/);
    await good(plugin(project, "add", NAME, "--yes"));
    assert.match(readFileSync(types, "utf8"), /"karuntime-plugin-sample": KaruntimePluginSample;/);
    await good(plugin(project, "remove", NAME));
    assert.doesNotMatch(readFileSync(types, "utf8"), /sample/);
  });

  test("is installed with --yes, is locked, and judges", async () => {
    const { stdout, stderr } = await good(
      plugin(project, "add", NAME, "--yes", "--registry", registry.url),
    );
    assert.match(
      stderr,
      /warning: karuntime-plugin-sample 0\.1\.0 was released at .*, less than 3 days ago/,
    );
    assert.match(
      stdout,
      /may do: connect to the address that you configure \(option url\); nothing else/,
    );
    const { dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    assert.deepEqual(dependencies, { [NAME]: "0.1.0" });
    assert.deepEqual(Object.keys(lock()), [NAME]);
    assert.deepEqual(lock()[NAME]?.grant.net, ["{url}"]);
    const view = await good(registry.run("npm", ["view", NAME, "dist.integrity"], project));
    assert.equal(lock()[NAME]?.integrity, view.stdout.trim());
    await runs();
  });

  test("when it throws, names the line that its author wrote", async () => {
    status = 0;
    await withProject(async (started) => {
      const { reason } = await started.judged("sample");
      assert.match(reason, /node_modules\/karuntime-plugin-sample\/src\/index\.ts:\d+/);
    });
  });

  test(
    "decides which of two hosts has the address; where its file is changed, that host has none",
    {
      skip: whyNot(),
    },
    () =>
      withCluster(async ({ node }) => {
        const nodes = [await node(1), await node(2)] as const;
        const [first, second] = nodes;
        const folders = nodes.map(({ host }) => join(folder, host.name)) as [string, string];
        for (const [index, { host }] of nodes.entries()) {
          cpSync(project, folders[index] ?? "", { recursive: true });
          writeFileSync(
            join(folders[index] ?? "", "karuntime.config.ts"),
            onTwoHosts(200 - 100 * index),
          );
          await host.spawn([
            process.execPath,
            "-e",
            `require("node:http").createServer((_, response) => response.end()).listen(8080, "127.0.0.1")`,
          ]);
        }
        const start = (host: Host, place: string): Promise<Karuntime> =>
          startKaruntime(host, { configuration: join(place, "karuntime.config.ts") });
        const karuntime = await start(first.host, folders[0]);
        await start(second.host, folders[1]);
        await karuntime.entered("master", DEADLINE_MS);
        await first.holds(VIRTUAL);

        // The daemon runs what it read; the changed file counts from its next start.
        appendFileSync(join(folders[0], "node_modules", NAME, "dist/index.js"), "// more\n");
        await karuntime.stop();
        await second.holds(VIRTUAL);
        const again = await start(first.host, folders[0]);
        await again.entered("fault", DEADLINE_MS);
        await logged(again, /karuntime-plugin-sample is refused: its bundle is not the one/);
        await waitFor(
          "the operator's own check to be up",
          async () =>
            (await again.status()).checks.some(
              (entry) => entry.check === "own" && entry.effective === "up",
            ),
          DEADLINE_MS,
        );
        const text = await again.statusText();
        assert.match(
          text,
          /check sample {2}DOWN {2}karuntime-plugin-sample is refused: its bundle/,
        );
        assert.match(text, /check own {2}UP/);
        assert.match(text, /because sample is down/);
        await first.lacks(VIRTUAL);
        await second.holds(VIRTUAL);
      }),
  );

  test("is refused when its installed file is changed, and only it", async () => {
    const agreed = readFileSync(bundle, "utf8");
    appendFileSync(bundle, "globalThis.more = true;\n");
    await isRefused(
      /karuntime-plugin-sample is refused: its bundle is not the one that was agreed to/,
    );
    assert.match(
      (await good(plugin(project, "list"))).stdout,
      /REFUSED: its bundle is not the one/,
    );
    writeFileSync(bundle, agreed);
    assert.doesNotMatch((await good(plugin(project, "list"))).stdout, /REFUSED/);
    await runs();
  });

  test("is refused when a release that asks for more is installed, until somebody agrees to that", async () => {
    const source = join(author, "src/index.ts");
    writeFileSync(
      source,
      readFileSync(source, "utf8").replace(
        "permissions: {",
        'permissions: { files: ["/etc/shadow"],',
      ),
    );
    appendFileSync(join(author, "README.md"), "`files`: /etc/shadow\n");
    await good(registry.run("npm", ["version", "0.1.1", "--no-git-tag-version"], author));
    await good(plugin(author, "publish", "--registry", registry.url));
    assert.match((await good(plugin(project, "outdated"))).stdout, /0\.1\.0, latest 0\.1\.1/);

    await good(registry.run("npm", ["install", `${NAME}@0.1.1`], project));
    await isRefused(/is not the one that was agreed to/);

    const { status: exit, stdout } = await plugin(project, "add", `${NAME}@0.1.1`);
    assert.equal(exit, 2);
    assert.match(
      stdout,
      /more than version 0\.1\.0, which is locked now: read the file \/etc\/shadow; nothing else/,
    );
    await isRefused(/is not the one that was agreed to/);
    await good(plugin(project, "add", `${NAME}@0.1.1`, "--yes", "--min-age", "0"));
    assert.deepEqual(lock()[NAME]?.grant.files, ["/etc/shadow"]);
    await runs();
  });

  test("what breaks the rules is not installed, and nothing of it is run", async () => {
    const hostile = join(folder, "hostile");
    mkdirSync(hostile);
    const json = {
      name: "@karuntime/reds",
      version: "1.0.0",
      scripts: { postinstall: "touch ../ran" },
    };
    writeFileSync(join(hostile, "package.json"), JSON.stringify(json));
    await good(registry.run("npm", ["publish", "--ignore-scripts", "--access", "public"], hostile));
    const { status: exit, stderr } = await plugin(project, "add", json.name, "--yes");
    assert.equal(exit, 2);
    assert.match(stderr, /the scripts postinstall would run outside the sandbox/);
    assert.match(stderr, /nothing is installed: @karuntime\/reds breaks the rules/);
    assert.ok(!existsSync(join(project, "node_modules/@karuntime/reds")));
    assert.ok(!existsSync(join(folder, "ran")) && !existsSync(join(project, "ran")));
  });

  test("is installed from a tarball too, and not from a folder", async () => {
    const other = join(folder, "other");
    mkdirSync(other);
    writeFileSync(join(other, "package.json"), "{}");
    writeFileSync(join(other, "karuntime.config.ts"), "");
    await good(plugin(author, "pack"));
    const tarball = join(author, `${NAME}-0.1.1.tgz`);
    const { stderr } = await good(plugin(other, "add", tarball, "--yes"));
    assert.doesNotMatch(stderr, /released/);
    assert.deepEqual(readLock(other)[NAME], lock()[NAME]);
    for (const spec of [
      "../project",
      "acme/sample",
      "https://127.0.0.1/x.tgz",
      `file:${tarball}`,
    ]) {
      const refused = await plugin(other, "add", spec, "--yes");
      assert.equal(refused.status, 1, spec);
      assert.match(refused.stderr, /expected NAME, NAME@VERSION or a tarball/);
    }
  });

  test("a name that looks like one of karuntime's own is told", async () => {
    await good(plugin(folder, "new", "@karuntime/rediss", "--kind", "checker"));
    const there = join(folder, "rediss");
    symlinkSync(join(root, "node_modules"), join(there, "node_modules"));
    await good(plugin(there, "publish", "--access", "public"));
    const { status: exit, stderr } = await plugin(project, "add", "@karuntime/rediss");
    assert.equal(exit, 2);
    assert.match(stderr, /one letter away from @karuntime\/redis, which is karuntime's own/);
  });
});

const onTwoHosts = (priority: number): string => `import { defineConfig } from "karuntime/config";
export default defineConfig({
  checks: {
    own: { plugin: "./own.ts" },
    sample: { plugin: "${NAME}", options: { url: "http://127.0.0.1:8080/", slowMs: 2000 }, interval: "1s", timeout: "3s" },
  },
  virtualRouters: {
    VI_1: { interface: "ens33", id: 51, priority: ${priority}, addresses: ["${VIRTUAL}/24"], track: { checks: ["own", "sample"] } },
  },
});
`;
