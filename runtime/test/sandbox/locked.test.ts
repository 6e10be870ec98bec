/** Packages in karuntime.lock: run as they were agreed to, or refused alone, whatever was done to them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { check } from "./host.ts";
import type { Project } from "./plugins.ts";
import { configuration, startProject } from "./plugins.ts";

type Files = Readonly<Record<string, string>>;

const NAME = "karuntime-plugin-one";
const BUNDLE = `node_modules/${NAME}/dist/index.js`;

/** A bundle as `plugin build` makes it: nothing is imported. */
const bundled = (body: string, permissions: string): string => `var plugin = {
  kind: "check",
  permissions: ${permissions},
  options: { name: { type: "string", default: "nginx" } },
  async check({ processes, options, down, system }) { ${body} },
};
export { plugin as default };
`;
const counting = bundled(
  "return down(`counted ${await processes.count(options.name)}`);",
  '{ processes: ["{name}"] }',
);

function installed(code: string, json: object = {}): Files {
  return {
    [BUNDLE]: code,
    [`node_modules/${NAME}/package.json`]: JSON.stringify({
      name: NAME,
      version: "1.0.0",
      type: "module",
      exports: "./dist/index.js",
      ...json,
    }),
  };
}

function lock(code: string, grant: object, kind = "check"): Files {
  const plugin = {
    version: "1.0.0",
    integrity: "sha512-x",
    kind,
    sha256: createHash("sha256").update(code).digest("hex"),
    grant,
  };
  return { "karuntime.lock": JSON.stringify({ lockVersion: 1, plugins: { [NAME]: plugin } }) };
}

/** Runs it beside a check of the operator's own, which must not notice anything. */
async function withProject(
  files: Files,
  use: string,
  body: (project: Project) => Promise<void>,
): Promise<void> {
  const project = await startProject({
    "own.ts": check("await null;"),
    "karuntime.config.ts": configuration(
      `checks: { own: { plugin: "./own.ts" }, one: { plugin: "${NAME}" ${use} } },`,
    ),
    ...files,
  });
  try {
    assert.equal((await project.judged("own")).state, "up");
    await body(project);
  } finally {
    await project.stop();
  }
}

/** It is down at once with this reason, never ran, and the log has an error. */
async function refuses(files: Files, reason: RegExp, use = ""): Promise<void> {
  await withProject(files, use, async (project) => {
    const judged = await project.judged("one");
    assert.equal(judged.state, "down");
    assert.match(judged.reason, reason);
    const { state, reason: reported, runs } = await project.report("one");
    assert.deepEqual(
      { state, reported, runs },
      { state: "down", reported: judged.reason, runs: 0 },
    );
    assert.ok(project.lines.some(({ message }) => message === judged.reason));
    assert.equal(project.pid(NAME), undefined);
  });
}

const granted = { processes: ["{name}"] };

describe("a locked package", () => {
  test("runs with what was agreed to, with the options filled in", () =>
    withProject(
      { ...installed(counting), ...lock(counting, granted) },
      ', options: { name: "no-such-thing" }',
      async (project) => assert.equal((await project.judged("one")).reason, "counted 0"),
    ));

  test("is refused when its bundle changed", () =>
    refuses(
      { ...installed(`${counting}\n`), ...lock(counting, granted) },
      /karuntime-plugin-one is refused: its bundle is not the one that was agreed to.*version 1\.0\.0/,
    ));

  test("is refused when it asks for more than the lock grants", () =>
    refuses(
      { ...installed(counting), ...lock(counting, { net: ["{name}:80"] }) },
      /asks for more than the lock grants: \{"processes":\["nginx"\]\}/,
    ));

  test("is refused when what it asks for depends on when it is asked", () => {
    const later = bundled("", "Date.now() > 0 ? { system: true } : {}");
    return refuses({ ...installed(later), ...lock(later, {}) }, /\{"system":true\}/);
  });

  test("is refused when it loads more than its bundle, which nobody agreed to", () => {
    const loading = `import "./more.js";\n${counting}`;
    return refuses(
      {
        ...installed(loading),
        [`node_modules/${NAME}/dist/more.js`]: "",
        ...lock(loading, granted),
      },
      /"\.\/more\.js" is left outside the bundle/,
    );
  });

  test("is not kept from running by what it names as its source map", () => {
    const naming = `${counting}//# sourceMappingURL=/dev/zero\n`;
    return withProject({ ...installed(naming), ...lock(naming, granted) }, "", async (project) =>
      assert.match((await project.judged("one")).reason, /^counted/),
    );
  });

  test("is refused when its package leads to another file", () =>
    refuses(
      {
        ...installed(counting, { exports: "./other.js" }),
        [`node_modules/${NAME}/other.js`]: bundled("", "{}"),
        ...lock(counting, granted),
      },
      /is not the one that was agreed to/,
    ));

  test("is the one that was agreed to, whatever name it gives itself", async () => {
    const changed = bundled("", "{}");
    const renamed = { name: "operator" };
    await refuses(
      { ...installed(changed, renamed), ...lock(counting, granted) },
      /is not the one that was agreed to/,
    );
    await withProject(
      { ...installed(counting, renamed), ...lock(counting, granted) },
      "",
      async (project) => {
        await project.judged("one");
        assert.notEqual(project.pid(NAME), undefined);
        assert.notEqual(project.pid(NAME), project.pid("operator"));
      },
    );
  });

  test("is refused when it is gone", () => refuses(lock(counting, granted), /is not installed/));

  test("is refused when it became another kind", () =>
    refuses(
      { ...installed(counting), ...lock(counting, granted, "checker") },
      /it is a check, and the lock says checker/,
    ));

  test("is refused when its options are wrong", () =>
    refuses(
      { ...installed(counting), ...lock(counting, granted) },
      /the plugin has no such option/,
      ", options: { nam: 1 }",
    ));

  test("is given what the configuration says, when that says it", async () => {
    const files = { ...installed(counting), ...lock(counting, {}) };
    await withProject(files, ', grant: { processes: ["nginx"] }', async (project) =>
      assert.match((await project.judged("one")).reason, /^counted/),
    );
    await refuses(
      { ...installed(counting), ...lock(counting, granted) },
      /asks for more than it is granted: \{"processes":\["nginx"\]\}/,
      ', grant: { processes: ["haproxy"] }',
    );
  });

  test("is refused when the lock cannot be read, with or without a grant", async () => {
    const files = { ...installed(counting), "karuntime.lock": "{" };
    await refuses(files, /karuntime\.lock is no JSON/);
    await refuses(files, /karuntime\.lock is no JSON/, ', grant: { processes: ["nginx"] }');
  });

  test("that is a notifier tells nobody, and says why", async () => {
    const notifier = `export default { kind: "notifier", async notify() {} };`;
    const project = await startProject({
      ...installed(`${notifier}\n`),
      ...lock(notifier, {}, "notifier"),
      "karuntime.config.ts": configuration(`notify: [{ plugin: "${NAME}" }],`),
    });
    try {
      await assert.rejects(
        project.plugins.notify(0, {
          sequence: 1,
          subject: { type: "virtual-router", name: "VI_1" },
          event: "master",
          state: "MASTER",
          priority: 100,
          at: new Date(),
        }),
        /is not the one that was agreed to/,
      );
    } finally {
      await project.stop();
    }
  });
});
