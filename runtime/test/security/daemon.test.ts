/** A whole daemon: who may speak to it, where secrets do not appear, and what is left when it is killed. */
import assert from "node:assert/strict";
import { readFileSync, rmdirSync, statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { PROGRAM, startKaruntime } from "@karuntime/lab/karuntime.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { ensureLabPrivileges } from "@karuntime/lab/privileges.ts";
import { now, waitFor } from "@karuntime/lab/time.ts";
import { check } from "../sandbox/host.ts";
import { memoryGroupOf } from "./memory-group.ts";

const skip = process.getuid?.() === 0 ? false : "needs root: it makes network namespaces";
const WAIT_MS = 20_000;
/** From the daemon's death to that of the last sandbox host. */
const ORPHAN_MS_MAX = 2000;
const CONFIGURATION = "/run/project/karuntime.config.ts";
/** In the configuration itself; in the daemon's environment; VRRP's own. */
const SECRETS = {
  redis: "correct horse battery",
  postgres: "staple-of-the-north",
  vrrp: "s3cr3tpw",
};

const FILES = {
  "karuntime.config.ts": `import { defineConfig, env } from "karuntime/config";
export default defineConfig({
  secrets: { redis: "${SECRETS.redis}", postgres: env("POSTGRES") },
  checks: {
    talker: { plugin: "./talker.ts", interval: "200ms", timeout: "1s" },
    burner: { plugin: "./burner.ts", interval: "1s", timeout: "1s" },
    guest: { plugin: "guest", interval: "200ms", timeout: "1s" },
  },
  virtualRouters: { VI_1: {
    interface: "eth0", id: 51, addresses: ["192.0.2.100/24"],
    authentication: { type: "PASS", password: "${SECRETS.vrrp}" },
  } },
});`,
  "talker.ts": check(
    `const all = [await secrets.get("redis"), await secrets.get("postgres")];
    await store.set("runs", "1");
    console.log("the secrets are", all);
    await fetch("http://127.0.0.1:1/?key=" + encodeURIComponent(all[0] ?? "")).catch((error) => log.warn(error.message));
    if (all.length === 2) throw new Error("refused: " + all.join(" and "));`,
    '{ secrets: ["redis", "postgres"], store: true, net: ["127.0.0.1:1"] }',
  ),
  "burner.ts": check("for (;;);"),
  "node_modules/guest/package.json": '{ "name": "guest", "exports": "./index.js" }',
  "node_modules/guest/index.js": check("await null;"),
};

describe("a daemon", { skip }, () => {
  let lab: Lab;
  let host: Host;
  let karuntime: Karuntime;
  let pids: readonly number[] = [];
  let groups: readonly string[] = [];

  before(async () => {
    await ensureLabPrivileges();
    lab = await createLab();
    host = await lab.host("node", { address: "192.0.2.1/24", interface: "eth0" });
    for (const [name, text] of Object.entries(FILES)) host.write(`/run/project/${name}`, text);
    karuntime = await startKaruntime(host, {
      configuration: CONFIGURATION,
      env: { POSTGRES: SECRETS.postgres },
      options: ["--runtime-directory", "/run/karuntime", "--state-directory", "/run/state"],
    });
    await karuntime.entered("master", WAIT_MS);
    await waitFor(
      "the plugins to have spoken and the store to be written",
      () =>
        karuntime.records.some(({ message }) => message.startsWith("the secrets are")) &&
        statSync(host.path("/run/state/store"), { throwIfNoEntry: false }) !== undefined,
      WAIT_MS,
    );
    const inside = (await karuntime.status()).sandboxes.map(({ pid }) => pid);
    pids = host
      .processes()
      .filter(({ hostPid }) => inside.includes(hostPid))
      .map(({ pid }) => pid);
    assert.equal(pids.length, 2);
    groups = pids.flatMap((pid) => memoryGroupOf(pid)?.folder ?? []);
  });
  after(async () => {
    await lab.close();
    // A daemon that was killed removes nothing.
    for (const group of groups) rmdirSync(group);
  });

  test("is spoken to by its owner alone: runtime and state directory 0700, sockets and files 0600", () => {
    const modeOf = (path: string): string => {
      const { mode, uid } = statSync(host.path(path));
      return `${(mode & 0o7777).toString(8)} of ${uid}`;
    };
    assert.equal(modeOf("/run/karuntime"), "700 of 0");
    assert.equal(modeOf("/run/karuntime/control.sock"), "600 of 0");
    assert.equal(modeOf("/run/karuntime/engine.sock"), "600 of 0");
    assert.equal(modeOf("/run/state"), "700 of 0");
    assert.equal(modeOf("/run/state/store"), "700 of 0");
  });

  test("lets no secret into its log, its status, or what validate --print shows", async () => {
    const talked = karuntime.process.lines.map(({ text }) => text).join("\n");
    assert.match(talked, /\[secret redis\]/);
    const shown = [
      talked,
      await karuntime.statusText(),
      JSON.stringify(await karuntime.status()),
      await host.run([PROGRAM, "validate", "--print", "-c", CONFIGURATION], {
        env: { POSTGRES: SECRETS.postgres },
      }),
    ];
    assert.match(shown[1] ?? "", /refused: \[secret redis\] and \[secret postgres\]/);
    assert.match(shown[3] ?? "", /hidden/);
    for (const text of shown)
      for (const secret of [...Object.values(SECRETS), encodeURIComponent(SECRETS.redis)])
        assert.ok(!text.includes(secret), `${secret} is in ${text.slice(0, 3000)}`);
  });

  test("lets no secret into any process's command line, or a sandbox host's environment", () => {
    const read = (pid: number, file: string): string =>
      readFileSync(`/proc/${pid}/${file}`, "utf8");
    const all = host.processes().filter(({ name }) => name !== "nsenter");
    assert.ok(all.length >= 4, "daemon, engine, two sandbox hosts");
    for (const { pid } of all) {
      for (const secret of Object.values(SECRETS))
        assert.ok(!read(pid, "cmdline").includes(secret), read(pid, "cmdline"));
      // What the operator hands over in the environment is in the daemon's; what the configuration says is nowhere.
      for (const secret of [SECRETS.redis, SECRETS.vrrp])
        assert.ok(!read(pid, "environ").includes(secret));
    }
    for (const pid of pids) assert.equal(read(pid, "environ"), "");
  });

  test("that is killed leaves no sandbox host behind, not even one in which a plugin loops", async () => {
    const killedAtMs = now();
    await karuntime.signal("daemon", "SIGKILL");
    await waitFor(
      "the sandbox hosts to end",
      () => host.processes().every(({ pid, state }) => !pids.includes(pid) || state === "Z"),
      WAIT_MS,
    );
    const tookMs = now() - killedAtMs;
    assert.ok(tookMs <= ORPHAN_MS_MAX, `it took ${tookMs} ms`);
  });
});
