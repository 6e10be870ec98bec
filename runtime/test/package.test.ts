/** The tarballs of `npm pack`, installed in an empty folder as a user would, start on each Node that we promise. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const NODE_VERSIONS = ["24.21.0", "26.10.0"];
const ARCHITECTURE = process.arch;

const CONFIGURATION = `
import { defineConfig } from "karuntime/config";
export default defineConfig({
  checks: { always: { plugin: "./always.ts" } },
  virtualRouters: { VI_1: { interface: "missing0", id: 51, addresses: ["192.0.2.100/24"], track: { checks: ["always"] } } },
});`;
const PLUGIN = `
import { defineCheck } from "@karuntime/sdk";
export default defineCheck({ permissions: {}, async check() {} });`;

describe("the packed tarballs", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-pack-"));
  const tarballs: string[] = [];

  before(() => {
    for (const workspace of ["sdk", "runtime"]) {
      command("npm", ["pack", "--pack-destination", folder], join(root, workspace), process.env);
    }
    tarballs.push(
      ...readdirSync(folder)
        .filter((file) => file.endsWith(".tgz"))
        .map((file) => join(folder, file)),
    );
    assert.equal(tarballs.length, 2);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const version of NODE_VERSIONS) {
    test(`install and start on Node ${version}`, async () => {
      const home = join(folder, version);
      const node = join(home, "node", "node_modules", `node-linux-${ARCHITECTURE}`);
      mkdirSync(join(home, "node"), { recursive: true });
      command(
        "npm",
        [
          "install",
          "--prefix",
          join(home, "node"),
          "--no-save",
          "--no-package-lock",
          `node-linux-${ARCHITECTURE}@${version}`,
        ],
        home,
        process.env,
      );

      const project = join(home, "project");
      mkdirSync(project);
      writeFileSync(join(project, "package.json"), "{}");
      const environment: NodeJS.ProcessEnv = {
        ...process.env,
        PATH: `${join(node, "bin")}:${systemPath()}`,
        npm_config_nodedir: node,
      };
      command("npm", ["install", "--no-audit", "--no-fund", ...tarballs], project, environment);
      writeFileSync(join(project, "karuntime.config.ts"), CONFIGURATION);
      writeFileSync(join(project, "always.ts"), PLUGIN);

      const karuntime = join(project, "node_modules", ".bin", "karuntime");
      assert.match(
        command(karuntime, ["validate"], project, environment),
        /is good: 1 virtual router, 1 check/,
      );
      command(karuntime, ["init", "made"], project, environment);
      const made = join(project, "made");
      assert.match(command(karuntime, ["validate"], made, environment), /is good/);
      command(karuntime, ["plugin", "new", "made"], project, environment);
      const plugin = join(project, "karuntime-plugin-made");
      command(karuntime, ["plugin", "build"], plugin, environment);
      assert.match(command(karuntime, ["plugin", "verify"], plugin, environment), /is good/);
      const { NODE_TEST_CONTEXT: _, ...plain } = environment;
      command(join(node, "bin", "node"), ["--test", "checks/nginx.test.ts"], made, plain);
      command("test", ["-x", join(project, "node_modules/karuntime/shims/systemctl")], project, {});
      if (process.getuid?.() !== 0) return;
      const status = startAndAsk(karuntime, project, environment);
      assert.match(status, /VI_1 {2}FAULT/);
      assert.match(status, /the interface does not exist/);
      assert.match(status, /check always {2}UP/);
    });
  }
});

/** Runs the daemon in the project until it answers with a judged check, and returns what `karuntime status` printed. */
function startAndAsk(karuntime: string, project: string, environment: NodeJS.ProcessEnv): string {
  const script = `
    "$0" start --runtime-directory run >log 2>&1 & daemon=$!
    for attempt in $(seq 100); do
      "$0" status --runtime-directory run >answer 2>&1 && grep -q 'check always  UP' answer && break
      sleep 0.2
    done
    kill -TERM $daemon; wait $daemon; ended=$?
    cat answer; [ $ended = 0 ] || { echo "the daemon exited with status $ended"; cat log; exit 1; }`;
  return command("sh", ["-c", script, karuntime], project, environment);
}

/** PATH without this checkout's own Node and tools. */
function systemPath(): string {
  return (process.env["PATH"] ?? "")
    .split(":")
    .filter((entry) => !entry.startsWith(root))
    .join(":");
}

function command(
  file: string,
  argv: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): string {
  const result = spawnSync(file, argv, { cwd, env, encoding: "utf8", timeout: 180_000 });
  assert.equal(result.status, 0, `${file} ${argv.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}
