/** The file check and a file that is written, grows old, says something else, and vanishes. */
import { chmodSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { becomes, temporaryFolder, withProject } from "../../testing.ts";

describe("the file check", () => {
  const folder = temporaryFolder();
  const state = join(folder.path, "state");
  const priority = join(folder.path, "priority");
  // Plugins run as a user of their own.
  chmodSync(folder.path, 0o755);
  after(() => folder.remove());

  const check = (name: string, file: string, options: object): string =>
    `${name}: { plugin: "@karuntime/file", interval: "100ms", timeout: "2s", grant: { files: ["${file}"] }, options: ${JSON.stringify({ file, ...options })} },`;

  test("looks at age and content", async () => {
    writeFileSync(state, "role: primary\nstate: ready\n");
    await withProject(
      `checks: {
        ${check("there", state, {})}
        ${check("young", state, { maxAgeSeconds: 60 })}
        ${check("ready", state, { contains: "ready" })}
        ${check("primary", state, { pattern: "^role: primary$" })}
      },`,
      async (project) => {
        const names = ["there", "young", "ready", "primary"];
        for (const name of names) await becomes(project, name, "up");
        writeFileSync(state, "role: standby\nstate: gone\n");
        const hourAgo = Date.now() / 1000 - 3600;
        utimesSync(state, hourAgo, hourAgo);
        await becomes(
          project,
          "young",
          "down",
          /it was last written 36\d\d s ago, expected at most 60 s$/,
        );
        await becomes(project, "ready", "down", /it does not contain "ready"$/);
        await becomes(project, "primary", "down", /it does not match \^role: primary\$$/);
        await becomes(project, "there", "up");
        rmSync(state);
        for (const name of names) await becomes(project, name, "down", /state is missing$/);
      },
    );
  });

  test("takes the priority from the number in it, as keepalived's track_file", async () => {
    writeFileSync(priority, "5\n");
    await withProject(
      `checks: { ${check("number", priority, { weightFactor: -2 })} },`,
      async (project) => {
        const weighs = (weight: number): Promise<unknown> =>
          project.waitFor(`a weight of ${weight}`, () =>
            project.judgements.at(-1)?.weight === weight ? true : undefined,
          );
        await weighs(-10);
        writeFileSync(priority, "-20\n");
        await weighs(40);
        writeFileSync(priority, "127\n");
        await becomes(project, "number", "down", /asks for it$/);
        writeFileSync(priority, "high\n");
        await becomes(project, "number", "error", /found "high" in it, expected a whole number/);
      },
    );
  });
});
