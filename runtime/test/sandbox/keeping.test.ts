/** What a plugin keeps, publishes, is told in confidence, and waits for: store, metrics, secrets, watched processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { check } from "./host.ts";
import type { Project } from "./plugins.ts";
import { configuration, startProject } from "./plugins.ts";

const PASSWORD = "correct horse battery";

describe("a plugin that", () => {
  let project: Project;
  let folder = "";
  /** A name that no other process here has. */
  const sleeper = `ktest${process.pid}`;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "karuntime-keeping-"));
    copyFileSync("/bin/sleep", join(folder, sleeper));
    project = await startProject({
      "count.ts": check(
        `const before = Number((await store.get("runs")) ?? 0);
        await store.set("runs", String(before + 1));
        await store.set("gone", "x");
        await store.delete("gone");
        const keys = await store.keys();
        if (keys.join() !== "runs") return down(keys.join());
        return weight(Math.min(5, before));`,
        "{ store: true }",
      ),
      "other.ts": check(
        'if ((await store.get("runs")) !== null) return down("saw another\'s");',
        "{ store: true }",
      ),
      "measure.ts": check(
        `await metrics.gauge("depth", 7, { queue: "mail" });
        await metrics.counter("seen_total", 2);`,
        "{ metrics: true }",
      ),
      "secret.ts": check(
        `const password = await secrets.get("redis");
        console.log("the password is", password);
        const other = await secrets.get("postgres").catch((error: Error) => error.message);
        return down(password.length + " " + password + " " + other);`,
        '{ secrets: ["redis"] }',
      ),
      "watch.ts": check(
        `if ((await processes.watch("${sleeper}")) === 0) return down("it has ended");`,
        `{ processes: ["${sleeper}"] }`,
      ),
      "denied.ts": check(
        `const say = (error: Error): string => error.message;
        return down([
          await store.get("x").catch(say),
          await metrics.gauge("x", 1).catch(say),
          await secrets.get("redis").catch(say),
          await processes.watch("nginx").catch(say),
        ].join("; "));`,
      ),
      "karuntime.config.ts": configuration(`
        secrets: { redis: ${JSON.stringify(PASSWORD)}, postgres: "another one" },
        checks: {
          count: { plugin: "./count.ts", interval: "50ms", timeout: "1s" },
          other: { plugin: "./other.ts" },
          measure: { plugin: "./measure.ts", interval: "50ms", timeout: "1s" },
          secret: { plugin: "./secret.ts" },
          watch: { plugin: "./watch.ts", interval: "60s" },
          denied: { plugin: "./denied.ts" },
        },`),
    });
  });
  after(async () => {
    await project.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("keeps a text finds it again, also in the next host; another check does not", async () => {
    await project.waitFor("the third run", () =>
      project.judgements.find((entry) => entry.check === "count" && entry.weight === 3),
    );
    process.kill(project.pid("operator") ?? 0, "SIGKILL");
    await project.waitFor("more runs", () =>
      project.judgements.find((entry) => entry.check === "count" && entry.weight === 5),
    );
    const weights = project.judgements
      .filter((entry) => entry.check === "count")
      .map(({ weight }) => weight);
    assert.deepEqual([...new Set(weights)], [0, 1, 2, 3, 4, 5]);
    assert.equal((await project.judged("other")).state, "up");
  });

  test("publishes numbers has them in its report", async () => {
    const seen = await project.waitFor("a second run", async () => {
      const { metrics, runs } = await project.report("measure");
      return runs >= 2 ? { metrics, runs } : undefined;
    });
    assert.deepEqual(seen.metrics, [
      { name: "depth", type: "gauge", labels: { queue: "mail" }, value: 7 },
      { name: "seen_total", type: "counter", labels: {}, value: 2 * seen.runs },
    ]);
  });

  test("knows a secret that it was granted; nobody reads it in a log or a reason", async () => {
    const { reason } = await project.judged("secret");
    assert.match(
      reason,
      new RegExp(
        `^${PASSWORD.length} \\[secret redis\\] not permitted: to read the secret "postgres"`,
      ),
    );
    const said = JSON.stringify([project.lines, await project.report("secret")]);
    assert.match(said, /the password is \[secret redis\]/);
    assert.ok(!said.includes(PASSWORD));
  });

  test("watches a process runs at once when it ends", async () => {
    const start = () => spawn(join(folder, sleeper), ["60"], { stdio: "ignore" });
    assert.equal((await project.judged("watch")).state, "down");
    const child = start();
    // Its name counts at once, its birth wakes nobody: the next host's first run sees it.
    process.kill(project.pid("operator") ?? 0, "SIGKILL");
    await project.waitFor("its being up", () =>
      project.judgements.findLast((entry) => entry.check === "watch")?.state === "up"
        ? true
        : undefined,
    );
    // The daemon looks for new processes four times a second.
    await new Promise((resolve) => setTimeout(resolve, 600));
    const killedAtMs = performance.now();
    child.kill("SIGKILL");
    const judged = await project.waitFor("its being down", () => {
      const last = project.judgements.findLast((entry) => entry.check === "watch");
      return last?.state === "down" ? last : undefined;
    });
    // Sixty times sooner than by its interval; how soon is for the bench to measure.
    assert.ok(judged.atMs - killedAtMs < 1000, `${judged.atMs - killedAtMs} ms`);
    assert.equal(judged.reason, "it has ended");
  });

  test("was granted nothing is told what to add", async () => {
    const { reason } = await project.judged("denied");
    assert.match(
      reason,
      /store: true.*; .*metrics: true.*; .*secrets: \["redis"\].*; .*processes: \["nginx"\]/,
    );
  });
});
