/** Trust groups: who shares a sandbox host with whom, and what one host's end costs the others. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { check } from "./host.ts";
import type { Project } from "./plugins.ts";
import { configuration, startProject } from "./plugins.ts";

/** The files of an installed package that is a plugin. */
function installed(name: string, source: string): Readonly<Record<string, string>> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      version: "1.0.0",
      type: "module",
      exports: "./index.js",
    }),
    [`node_modules/${name}/index.js`]: source,
  };
}

async function withProject(
  files: Readonly<Record<string, string>>,
  body: (project: Project) => Promise<void>,
): Promise<void> {
  const project = await startProject(files);
  try {
    await body(project);
  } finally {
    await project.stop();
  }
}

const quiet = check("await null;");
const counting = check('await processes.count("nginx");', '{ processes: ["nginx"] }');

describe("trust groups", () => {
  test("own files share a host, each package has its own, unless the configuration joins them", () =>
    withProject(
      {
        "a.ts": quiet,
        "b.ts": quiet,
        ...installed("karuntime-plugin-one", quiet),
        ...installed("@acme/two", quiet),
        ...installed("karuntime-plugin-three", quiet),
        "karuntime.config.ts": configuration(`
          checks: {
            a: { plugin: "./a.ts" },
            b: { plugin: "./b.ts" },
            one: { plugin: "karuntime-plugin-one" },
            two: { plugin: "@acme/two" },
            three: { plugin: "karuntime-plugin-three" },
          },
          sandbox: { groups: { operator: ["karuntime-plugin-three"] } },`),
      },
      async (project) => {
        for (const name of ["a", "b", "one", "two", "three"])
          assert.equal((await project.judged(name)).state, "up");
        const hosts = project.plugins.status();
        assert.deepEqual(hosts.map(({ name }) => name).toSorted(), [
          "@acme/two",
          "karuntime-plugin-one",
          "operator",
        ]);
        assert.equal(new Set(hosts.map(({ pid }) => pid)).size, 3);
      },
    ));

  test("a host that died is back soon, its checks keep their state, and other hosts are not touched", () =>
    withProject(
      {
        "a.ts": quiet,
        ...installed("karuntime-plugin-one", quiet),
        "karuntime.config.ts": configuration(`
          checks: { a: { plugin: "./a.ts", interval: "50ms" }, one: { plugin: "karuntime-plugin-one", interval: "50ms" } },`),
      },
      async (project) => {
        await project.judged("a");
        await project.judged("one");
        const other = project.pid("karuntime-plugin-one");
        const runs = (await project.report("one")).runs;
        process.kill(project.pid("operator") ?? 0, "SIGKILL");
        const back = await project.waitFor("the host's return", () =>
          project.lines.find(({ message }) => message.startsWith("the sandbox host is back")),
        );
        assert.ok(
          Number(back.fields["gapMs"]) <= 3000,
          `back after ${String(back.fields["gapMs"])} ms`,
        );
        await project.report("a");
        assert.equal(project.pid("karuntime-plugin-one"), other);
        assert.ok((await project.report("one")).runs > runs);
        assert.ok(project.judgements.every(({ state }) => state === "up"));
      },
    ));

  test("a host that does not answer is replaced, and one that has nothing to say by itself is not", () =>
    withProject(
      {
        "a.ts": quiet,
        ...installed("karuntime-plugin-one", quiet),
        "karuntime.config.ts": configuration(`
          checks: { a: { plugin: "./a.ts", interval: "50ms" }, one: { plugin: "karuntime-plugin-one", interval: "60s" } },`),
      },
      async (project) => {
        await project.judged("a");
        await project.judged("one");
        const other = project.pid("karuntime-plugin-one");
        process.kill(project.pid("operator") ?? 0, "SIGSTOP");
        const { fields } = await project.waitFor("its replacement", () =>
          project.lines.find(({ message }) => message.startsWith("the sandbox host is replaced")),
        );
        assert.equal(fields["sandbox"], "operator");
        assert.match(String(fields["reason"]), /^it did not answer for \d+ ms$/);
        await project.waitFor("the host's return", () =>
          project.lines.find(({ message }) => message.startsWith("the sandbox host is back")),
        );
        assert.equal(project.pid("karuntime-plugin-one"), other);
      },
    ));

  test("a host that has only notifiers runs from an event until it has been idle for a while", () =>
    withProject(
      {
        "told.ts": `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({ notify({ event }, { log }) { log.info("told of " + event); } });`,
        "karuntime.config.ts": configuration(`
          notify: [{ plugin: "./told.ts" }],
          sandbox: { idleAfter: "1s" },`),
      },
      async (project) => {
        assert.equal(project.plugins.status()[0]?.state, "idle");
        assert.equal(project.pid("operator"), undefined);
        const tell = (): Promise<void> =>
          project.plugins.notify(0, {
            sequence: 1,
            subject: { type: "virtual-router", name: "VI_1" },
            event: "master",
            state: "MASTER",
            priority: 100,
            at: new Date(),
          });
        await tell();
        assert.ok(project.lines.some(({ message }) => message === "told of master"));
        const first = project.pid("operator");
        assert.notEqual(first, undefined);
        await tell();
        assert.equal(project.pid("operator"), first);
        await project.waitFor("the host's end", () =>
          project.plugins.status()[0]?.state === "idle" ? true : undefined,
        );
        await tell();
        assert.notEqual(project.pid("operator"), first);
      },
    ));
});

describe("what a package is granted", () => {
  const one = installed("karuntime-plugin-one", counting);
  test("nothing by itself: the configuration names what it asks for", async () => {
    const files = {
      ...one,
      "karuntime.config.ts": configuration('checks: { one: { plugin: "karuntime-plugin-one" } },'),
    };
    await assert.rejects(
      startProject(files),
      (error: Error & { diagnostics?: readonly { message: string; hint?: string }[] }) => {
        const [diagnostic] = error.diagnostics ?? [];
        assert.match(
          diagnostic?.message ?? "",
          /karuntime-plugin-one asks for more than it is granted: \{"processes":\["nginx"\]\}/,
        );
        assert.match(diagnostic?.hint ?? "", /grant: \{"processes":\["nginx"\]\}/);
        return true;
      },
    );
  });
  test("what the configuration says", () =>
    withProject(
      {
        ...one,
        "karuntime.config.ts": configuration(
          'checks: { one: { plugin: "karuntime-plugin-one", grant: { processes: ["nginx"] } } },',
        ),
      },
      async (project) => assert.equal((await project.judged("one")).state, "up"),
    ));
  test("a package that is not installed is named", () =>
    assert.rejects(
      startProject({
        "karuntime.config.ts": configuration(
          'checks: { one: { plugin: "karuntime-plugin-none" } },',
        ),
      }),
      /karuntime-plugin-none, which is not installed/,
    ));
});

describe("a plugin that cannot be ended", () => {
  // One native operation of seconds: it obeys neither a time limit nor dispose().
  const endless = check("let n = 7n; for (;;) n = n * n;");
  test("is reported in time and gone soon after, with its host; its neighbours lose an invocation at most", () =>
    withProject(
      {
        "endless.ts": endless,
        "good.ts": quiet,
        "karuntime.config.ts": configuration(`
          checks: {
            good: { plugin: "./good.ts", interval: "100ms", timeout: "1s" },
            endless: { plugin: "./endless.ts", interval: "300ms", timeout: "200ms" },
          },`),
      },
      async (project) => {
        const judged = await project.judged("endless");
        assert.equal(judged.state, "down");
        await project.waitFor("its host's end", () =>
          project.lines.find(
            ({ message, fields }) =>
              message.startsWith("the sandbox host is replaced") &&
              (fields["plugins"] as readonly string[]).includes("endless"),
          ),
        );
        await project.waitFor("its being backed off", async () =>
          (await project.report("endless")).backsOffMs > 0 ? true : undefined,
        );
        await sleep(300);
        assert.ok(
          project.judgements
            .filter((entry) => entry.check === "good")
            .every(({ state }) => state === "up"),
        );
      },
    ));

  test("a notifier that takes its host with it each time is told again after longer and longer", (context) =>
    withProject(
      {
        "bomb.ts": `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({ notify() { const all: unknown[] = []; for (;;) all.push(new Array(1000).fill(1)); } });`,
        "karuntime.config.ts": configuration('notify: [{ plugin: "./bomb.ts" }],'),
      },
      async (project) => {
        const told = project.plugins.notify(0, {
          sequence: 1,
          subject: { type: "virtual-router", name: "VI_1" },
          event: "master",
          state: "MASTER",
          priority: 100,
          at: new Date(),
        });
        void told.catch(() => undefined);
        if (project.plugins.status()[0]?.memory !== "limited by the kernel")
          return context.skip("no control group ends the host");
        const restarts = (): number => project.plugins.status()[0]?.restarts ?? 0;
        await project.waitFor("the fourth host", () => (restarts() >= 4 ? true : undefined));
        const delays = project.lines
          .filter(({ message }) => message.startsWith("the sandbox host is replaced"))
          .map(({ fields }) => Number(fields["delayMs"]));
        assert.deepEqual(delays.slice(0, 4), [0, 100, 200, 400]);
      },
    ));
});

describe("the memory of a host", () => {
  test("is limited by the kernel where there are control groups, and what was made for it is removed", async (context) => {
    let group = "";
    await withProject(
      {
        "a.ts": quiet,
        "karuntime.config.ts": configuration('checks: { a: { plugin: "./a.ts" } },'),
      },
      async (project) => {
        await project.judged("a");
        const [host] = project.plugins.status();
        if (host?.memory !== "limited by the kernel")
          return context.skip("there is no control group that we may make a group in");
        const groups = readFileSync(`/proc/${host.pid}/cgroup`, "utf8");
        const [, version1, path = ""] =
          /^\d+:(memory)?:(.*karuntime-\d+-\d+-operator)$/m.exec(groups) ?? [];
        group = `/sys/fs/cgroup${version1 === undefined ? "" : "/memory"}${path}`;
        const limit = readFileSync(
          `${group}/${version1 === undefined ? "memory.max" : "memory.limit_in_bytes"}`,
          "utf8",
        );
        assert.equal(Number(limit), 128 * 1024 * 1024);
      },
    );
    await sleep(200);
    assert.ok(group === "" || !existsSync(group), `${group} is left over`);
  });

  test("a plugin whose memory its isolate does not see is ended, and its neighbour is not", () =>
    withProject(
      {
        "hog.ts": check(
          "const all: unknown[] = []; for (let i = 0; i < 400; i++) { all.push(new Uint8Array(4_000_000).fill(1)); await null; } for (;;);",
        ),
        "good.ts": quiet,
        "karuntime.config.ts": configuration(`
          checks: {
            good: { plugin: "./good.ts", interval: "50ms", timeout: "1s" },
            hog: { plugin: "./hog.ts", interval: "5s", timeout: "2s" },
          },`),
      },
      async (project) => {
        const judged = await project.judged("hog");
        assert.equal(judged.state, "down");
        await sleep(500);
        assert.ok(
          project.judgements
            .filter((entry) => entry.check === "good")
            .every(({ state }) => state === "up"),
        );
      },
    ));
});
