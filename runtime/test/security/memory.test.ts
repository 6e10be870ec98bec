/** The memory of a sandbox host: how much, who sees to it, and what one that takes more costs the others. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { check } from "../sandbox/host.ts";
import type { Project } from "../sandbox/plugins.ts";
import { configuration, startProject } from "../sandbox/plugins.ts";
import { memoryGroupOf } from "./memory-group.ts";

const LIMIT_BYTES = 96 * 1024 * 1024;
const REPLACED_MS_MAX = 10_000;
/** One native operation that takes several hundred megabytes: no limit of the isolate ends it. */
const HOG = check("const text = '[' + '{},'.repeat(20_000_000) + '0]'; for (;;) JSON.parse(text);");

async function withProject(body: (project: Project) => Promise<void>): Promise<void> {
  const project = await startProject({
    "good.ts": check("await null;"),
    "node_modules/hog/package.json": '{ "name": "hog", "exports": "./index.js" }',
    "node_modules/hog/index.js": HOG,
    "karuntime.config.ts": configuration(`
      checks: {
        good: { plugin: "./good.ts", interval: "100ms", timeout: "1s" },
        hog: { plugin: "hog", interval: "2s", timeout: "2s" },
      },
      sandbox: { memory: "96MB" },`),
  });
  try {
    await project.judged("good");
    await body(project);
  } finally {
    await project.stop();
  }
}

describe("the memory of a sandbox host", () => {
  test("has the kernel's limit while it runs, each host its own", (context) =>
    withProject(async (project) => {
      const hosts = project.plugins.status();
      if (hosts.some(({ memory }) => memory !== "limited by the kernel"))
        return context.skip("there is no control group that a group can be made in");
      const groups = hosts.map(({ pid }) => memoryGroupOf(pid ?? 0));
      for (const [index, group] of groups.entries()) {
        assert.ok(group !== undefined, "the host is in no group of ours");
        assert.equal(Number(readFileSync(group.limit, "utf8")), LIMIT_BYTES);
        const members = readFileSync(group.members, "utf8").trim().split("\n").map(Number);
        assert.deepEqual(members, [hosts[index]?.pid]);
      }
      assert.equal(new Set(groups.map((group) => group?.limit)).size, groups.length);
    }));

  test("when it is too much, the host is replaced within seconds, and another group does not notice", () =>
    withProject(async (project) => {
      const startedAtMs = performance.now();
      const [good, hog] = [project.pid("operator"), project.pid("hog") ?? 0];
      const { fields } = await project.waitFor("its end", () =>
        project.lines.find(({ message }) => message.startsWith("the sandbox host is replaced")),
      );
      assert.ok(performance.now() - startedAtMs <= REPLACED_MS_MAX);
      assert.equal(fields["sandbox"], "hog");
      assert.match(
        String(fields["reason"]),
        /^it ended \(SIGKILL\)|MB of memory|its memory stays|ran out of memory|cannot be ended/,
      );
      await project.waitFor("its process to be gone", () =>
        existsSync(`/proc/${hog}`) ? undefined : true,
      );
      const { runs } = await project.report("good");
      await project.waitFor("more runs of the other", async () =>
        (await project.report("good")).runs > runs + 5 ? true : undefined,
      );
      assert.equal(project.pid("operator"), good);
      const judged = project.judgements.filter((entry) => entry.check === "good");
      assert.ok(judged.every(({ state }) => state === "up"));
    }));
});
