/** What a package may make of its name, and what one trust group's host can have of another's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { check } from "../sandbox/host.ts";
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
