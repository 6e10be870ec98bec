/** `karuntime invoke` runs a plugin once behind the walls of the daemon, and shows everything that it did. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const MS_MAX = 60_000;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not spawnSync: the server that the plugins ask runs here. */
function invoke(cwd: string, ...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(PROGRAM, ["invoke", ...argv], { cwd, timeout: MS_MAX });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (text: Buffer) => (said.stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (said.stderr += text.toString()));
    child.on("close", (status) => resolve({ status, ...said }));
  });
}

describe("karuntime invoke", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-invoke-"));
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/health" ? 200 : 503;
    response.end("well");
  });
  let port = 0;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function plugin(name: string, source: string): string {
    writeFileSync(
      join(folder, `${name}.ts`),
      `import { defineCheck } from "@karuntime/sdk";\n${source}`,
    );
    return `./${name}.ts`;
  }

  test("shows the outcome, the calls, the log, the metrics and what is denied with the line to add", async () => {
    const file = plugin(
      "api",
      `export default defineCheck({
  permissions: { net: ["127.0.0.1:{port}"], metrics: true, store: true },
  options: { port: { type: "number" }, path: { type: "string", default: "/health" }, twice: { type: "boolean", default: false } },
  async check({ fetch, options, log, metrics, processes, store, down, weight }) {
    const response = await fetch(\`http://127.0.0.1:\${options.port}\${options.path}\`);
    if (!response.ok) return down(\`it answered \${response.status}\`);
    await store.set("body", await response.text());
    log.info(\`it says \${await store.get("body")}, twice: \${options.twice}\`);
    await metrics.gauge("answer_status", response.status, { path: options.path });
    await processes.count("nginx").catch(() => 0);
    return weight(7);
  },
});`,
    );
    const up = await invoke(folder, file, "--option", `port=${port}`, "--option", "twice=true");
    assert.equal(up.status, 0, up.stderr);
    assert.match(
      up.stdout,
      /^check api\.ts: up, weight 7\n {2}took [\d.]+ ms, [\d.]+ ms of CPU; its host has [1-9]\d* MB\n/,
    );
    assert.match(
      up.stdout,
      /fetch \{"url":"http:\/\/127\.0\.0\.1:\d+\/health".* -> \{.*"status":200.*\([\d.]+ ms\)/,
    );
    assert.match(up.stdout, /store\.get \{"key":"body"\} -> "well" \(/);
    assert.match(up.stdout, / {2}log\n {4}info {3}it says well, twice: true\n/);
    assert.match(up.stdout, / {2}metrics\n {4}answer_status\{path="\/health"\} 200 \(gauge\)\n/);
    assert.match(
      up.stdout,
      / {2}denied\n {4}processes\.count: add to the plugin's permissions: \{ processes: \["nginx"\] \}\n$/,
    );

    const down = await invoke(folder, file, "--option", `port=${port}`, "--option", "path=/no");
    assert.equal(down.status, 1);
    assert.match(down.stdout, /^check api\.ts: down: it answered 503\n/);

    const json = await invoke(folder, file, "--option", `port=${port}`, "--json");
    const result = JSON.parse(json.stdout);
    assert.equal(result.outcome, "up");
    assert.equal(result.weight, 7);
    assert.deepEqual(
      result.calls.map(({ name }: { readonly name: string }) => name),
      ["fetch", "store.set", "store.get", "metrics.gauge", "processes.count"],
    );
    assert.equal(result.denied[0].add, '{ processes: ["nginx"] }');
  });

  test("a fault exits with 2 and names the author's own line", async () => {
    const thrown = await invoke(
      folder,
      plugin(
        "thrown",
        `interface Deep { readonly a: number }
function deep(given: Deep): number {
  throw new Error(\`too deep: \${given.a}\`);
}
export default defineCheck({ async check() { deep({ a: 1 }); } });`,
      ),
    );
    assert.equal(thrown.status, 2);
    assert.match(thrown.stdout, /^check thrown\.ts: error: too deep: 1 \(thrown\.ts:4:9\)\n/);

    const endless = await invoke(
      folder,
      plugin("endless", "export default defineCheck({ async check() { for (;;); } });"),
      "--timeout",
      "300ms",
    );
    assert.equal(endless.status, 2);
    assert.match(endless.stdout, /^check endless\.ts: timed out after \d+ ms\n/);

    const greedy = await invoke(
      folder,
      plugin(
        "greedy",
        "export default defineCheck({ async check() { const all = []; for (;;) all.push(Array(1000).fill(all.length)); } });",
      ),
    );
    assert.equal(greedy.status, 2);
    assert.match(greedy.stdout, /^check greedy\.ts: out of memory/);

    const nonsense = await invoke(
      folder,
      plugin("nonsense", "export default defineCheck({ async check() { return 5 as never; } });"),
    );
    assert.equal(nonsense.status, 2);
    assert.match(nonsense.stdout, /error: found number as the check's result/);
  });

  test("what cannot be loaded exits with 2 and shows the place", async () => {
    const wrong = await invoke(
      folder,
      plugin("wrong", "export default defineCheck({ check( {} });"),
    );
    assert.equal(wrong.status, 2);
    assert.match(wrong.stdout, /^not loaded\n.*wrong\.ts:2:\d+: error: Expected/);
    assert.match(wrong.stdout, /\^\n/);

    const top = await invoke(folder, plugin("top", 'throw new Error("at the top");'));
    assert.equal(top.status, 2);
    assert.match(top.stdout, /top\.ts:2:7: error: at the top/);

    const asks = plugin(
      "asks",
      "export default defineCheck({ options: { n: { type: 'number' } }, check() {} });",
    );
    const bad = await invoke(folder, asks, "--option", "n=many", "--option", "m=1", "--json");
    assert.equal(bad.status, 2);
    assert.deepEqual(
      JSON.parse(bad.stdout).diagnostics.map(
        ({ path, message }: { readonly path: string; readonly message: string }) =>
          `${path}: ${message}`,
      ),
      [
        "--option.m: the plugin has no such option; it has n",
        '--option.n: found "many", expected a number',
      ],
    );
    for (const [argv, message] of [
      [[], /expected one plugin/],
      [[asks, "--event", "moon"], /--event: expected one of the events master, backup/],
      [[asks, "--timeout", "soon"], /--timeout: found "soon", expected a time/],
      [[asks, "--option", "n"], /--option: found "n", expected NAME=VALUE/],
    ] as const) {
      const { status, stderr } = await invoke(folder, ...argv);
      assert.equal(status, 2);
      assert.match(stderr, message);
    }
  });

  test("an option that is a list is given once for each of its texts", async () => {
    const file = plugin(
      "listed",
      `export default defineCheck({
  options: { names: { type: "list" }, n: { type: "number", default: 1 } },
  check({ options, down }) { return down(JSON.stringify(options)); },
});`,
    );
    const several = await invoke(folder, file, "--option", "names=a=1,b", "--option", "names=");
    assert.match(several.stdout, /: down: \{"names":\["a=1,b",""\],"n":1\}\n/);
    const one = await invoke(folder, file, "--option", "names=a");
    assert.match(one.stdout, /: down: \{"names":\["a"\],"n":1\}\n/);
    const twice = await invoke(
      folder,
      file,
      "--option",
      "names=a",
      "--option",
      "n=1",
      "--option",
      "n=2",
    );
    assert.equal(twice.status, 2);
    assert.match(twice.stdout, /--option\.n: found \["1","2"\], expected a number/);
  });

  test("a checker gets its target and may connect there; a notifier gets the event", async () => {
    const checker = plugin(
      "checker",
      `import { defineChecker } from "@karuntime/sdk";
export default defineChecker({
  async check({ target, fetch, down }) {
    const { status } = await fetch(\`http://\${target.address}:\${target.port}/\`);
    return down(\`it answered \${status}\`);
  },
});`,
    );
    const looked = await invoke(folder, checker, "--target", `127.0.0.1:${port}`);
    assert.match(looked.stdout, /^checker checker\.ts: down: it answered 503\n/);
    assert.match((await invoke(folder, checker)).stdout, /hint: --target ADDRESS:PORT/);

    const notifier = plugin(
      "notifier",
      `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({ notify({ event, state }, { log }) { log.warn(\`\${event}: \${state}\`); } });`,
    );
    const told = await invoke(folder, notifier, "--event", "contended");
    assert.equal(told.status, 0);
    assert.match(told.stdout, /^notifier notifier\.ts: up\n/);
    assert.match(told.stdout, /warn {3}contended: master\n/);
    const director = plugin(
      "director",
      `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({ notify(event, { log }) { log.info(JSON.stringify(event.subject)); } });`,
    );
    assert.match(
      (await invoke(folder, director, "--event", "down")).stdout,
      /info {3}\{"type":"real-server","name":"192\.0\.2\.11:80","address":"192\.0\.2\.11","port":80,"virtualServer":"web"\}\n/,
    );
    assert.match(
      (await invoke(folder, director, "--event", "quorum-up")).stdout,
      /info {3}\{"type":"virtual-server","name":"web"\}\n/,
    );
  });

  test("files that it asks for can be read, and no others", async () => {
    const body = `const text = async (path: string) => (await files.read(path).catch(({ message }) => ({ text: message }))).text;
    log.info((await text("/etc/passwd")).split(":")[0]);
    await text("/etc/group");`;
    const file = plugin(
      "files",
      `export default defineCheck({
  permissions: { files: ["{path}"] },
  options: { path: { type: "string" } },
  async check({ files, log }) { ${body} },
});`,
    );
    const { status, stdout } = await invoke(folder, file, "--option", "path=/etc/passwd");
    assert.equal(status, 0, stdout);
    assert.match(stdout, / {4}info {3}root\n/);
    assert.match(
      stdout,
      /files\.read: add to the plugin's permissions: \{ files: \["\/etc\/group"\] \}\n$/,
    );
  });

  test("services and secrets are those of the configuration that is named, and a secret is not shown", async () => {
    const file = plugin(
      "service",
      `export default defineCheck({
  permissions: { services: { web: ["status"] }, secrets: ["token"] },
  async check({ services, secrets, log, down }) {
    log.info(\`with \${await secrets.get("token")}\`);
    return down(await services.status("web"));
  },
});`,
    );
    writeFileSync(
      join(folder, "karuntime.config.ts"),
      `import { defineConfig } from "karuntime/config";
export default defineConfig({
  services: { web: { status: ["/bin/false"] } },
  secrets: { token: "correct horse" },
  virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.10/24"] } },
});`,
    );
    const { status, stdout } = await invoke(folder, file, "-c", "karuntime.config.ts");
    assert.equal(status, 1, stdout);
    assert.match(stdout, /^check service\.ts: down: stopped\n/);
    assert.match(stdout, /info {3}with \[secret token\]\n/);
    assert.doesNotMatch(stdout, /horse/);
    const without = await invoke(folder, file);
    assert.equal(without.status, 2);
    assert.match(
      without.stdout,
      /asks for the secret token, which the configuration does not have\n {2}hint: -c FILE/,
    );
  });
});
