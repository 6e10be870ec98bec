/** What a package may make of its name, and what one trust group's host can have of another's. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { check } from "../sandbox/host.ts";
import type { Project } from "../sandbox/plugins.ts";
import { configuration, startProject } from "../sandbox/plugins.ts";

const quiet = check("await null;");

/** The files of an installed package; its manifest may say what it likes. */
function installed(
  folder: string,
  source: string,
  manifest: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    [`node_modules/${folder}/package.json`]: JSON.stringify({
      name: folder,
      type: "module",
      exports: "./index.js",
      ...manifest,
    }),
    [`node_modules/${folder}/index.js`]: source,
  };
}

describe("the host of a package", () => {
  test("is its own, whatever the package calls itself", async () => {
    const project = await startProject({
      "own.ts": quiet,
      ...installed("guest", quiet),
      ...installed("forger", quiet, { name: "operator" }),
      ...installed("thief", quiet, { name: "guest", exports: "./deep/index.js" }),
      "node_modules/thief/deep/package.json": JSON.stringify({ name: "guest", type: "module" }),
      "node_modules/thief/deep/index.js": quiet,
      ...installed("operator", quiet),
      ...installed("joined", quiet),
      ...installed("constructor", quiet),
      ...installed("team", quiet),
      "karuntime.config.ts": configuration(`
        checks: {
          own: { plugin: "./own.ts" },
          guest: { plugin: "guest" },
          forger: { plugin: "forger" },
          thief: { plugin: "thief" },
          namesake: { plugin: "operator" },
          joined: { plugin: "joined" },
          constructor: { plugin: "constructor" },
          team: { plugin: "team" },
        },
        sandbox: { groups: { team: ["joined"] } },`),
    });
    try {
      assert.deepEqual(
        project.plugins.status().map(({ name }) => name),
        [
          "operator",
          "guest",
          "forger",
          "thief",
          "package operator",
          "team",
          "constructor",
          "package team",
        ],
      );
    } finally {
      await project.stop();
    }
  });
});

describe("two packages with grants and secrets of their own", () => {
  const SECRETS = { red: "red as roses", blue: 'blue "as"\nviolets' };
  /** Asks for what is its own, and for what is the other's; says what came of it as its reason. */
  const curious = (own: string, other: string, file: string): string =>
    check(
      `const say = (error) => error.message.split(":")[0];
      await store.set("${own}", "kept");
      const text = await secrets.get("${own}");
      console.log("the secret is", text, { text }, "x".repeat(470), text, text);
      metrics.gauge("seen", 1, { secret: text }).catch(() => null);
      return down([
        text.length,
        await secrets.get("${other}").catch(say),
        (await store.keys()).join(),
        await files.read("${file}").then(() => "read").catch(say),
        await files.read("/etc/hostname").then(() => "read").catch(say),
        await exec(["/bin/true"]).then(() => "ran").catch(say),
        "the secret is " + text,
      ].join("; "));`,
      `{ secrets: ["${own}"], store: true, metrics: true, files: ["${file}"], exec: ${own === "red" ? '[["/bin/true"]]' : "[]"} }`,
    );
  let project: Project;
  let folder = "";

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "karuntime-security-"));
    chmodSync(folder, 0o755);
    for (const name of ["red", "blue"]) writeFileSync(join(folder, name), name);
    const grant = (own: string, exec: string): string =>
      `{ secrets: ["${own}"], store: true, metrics: true, files: ["${folder}/${own}"], exec: ${exec} }`;
    project = await startProject({
      ...installed("red", curious("red", "blue", `${folder}/red`)),
      ...installed("blue", curious("blue", "red", `${folder}/blue`)),
      "told.ts": `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({
  permissions: { secrets: ["red"] },
  async notify(event, { secrets }) { throw new Error("no login with " + (await secrets.get("red"))); },
});`,
      "karuntime.config.ts": configuration(`
        secrets: ${JSON.stringify(SECRETS)},
        checks: {
          red: { plugin: "red", grant: ${grant("red", '[["/bin/true"]]')} },
          blue: { plugin: "blue", grant: ${grant("blue", "[]")} },
        },
        notify: [{ plugin: "./told.ts" }],`),
    });
  });
  after(async () => {
    await project.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("each is denied what is the other's, behind Node's permission model too", async () => {
    const denied = "not permitted";
    for (const [name, ran] of [
      ["red", "ran"],
      ["blue", denied],
    ] as const) {
      const { reason } = await project.judged(name);
      const expected = [SECRETS[name].length, denied, name, "read", denied, ran].join("; ");
      assert.equal(reason, `${expected}; the secret is [secret ${name}]`);
      const host = readFileSync(`/proc/${project.pid(name)}/cmdline`, "utf8");
      const paths = host.split("\0").filter((word) => word.includes(folder));
      assert.deepEqual(paths, [`--allow-fs-read=${folder}/${name}`]);
    }
  });

  test("no secret is in a log, a reason, a metric's label or a notifier's error", async () => {
    const event = { type: "virtual-router", name: "VI_1" } as const;
    const told = project.plugins.notify(0, {
      sequence: 1,
      subject: event,
      event: "master",
      state: "MASTER",
      priority: 100,
      at: new Date(),
    });
    await assert.rejects(told, /no login with \[secret red\]/);
    const reports = await Promise.all(["red", "blue"].map((name) => project.report(name)));
    const said = JSON.stringify([project.lines, project.judgements, reports]);
    for (const name of ["red", "blue"]) {
      assert.match(said, new RegExp(`"message":"the secret is \\[secret ${name}\\]`));
      assert.match(said, new RegExp(`"labels":\\{"secret":"\\[secret ${name}\\]`));
    }
    // Not even the beginning of one that was cut.
    assert.doesNotMatch(said, /red as|blue [^"]{0,2}"as|violets/);
  });
});
