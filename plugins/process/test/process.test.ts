/** The process check and real processes: running, hung, killed, too many. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Server } from "../../testing.ts";
import { becomes, serve, temporaryFolder, withProject } from "../../testing.ts";

/** A first look takes in what runs already; the daemon's own looks come four times a second. */
const WATCHED_AFTER_MS = 600;

describe("the process check", () => {
  const folder = temporaryFolder();
  /** Names that no other process here has. */
  const names = ["a", "b"].map((letter) => `kproc${letter}${process.pid}`);
  const running = new Set<Server>();

  function start(name = ""): Server {
    const server = serve([join(folder.path, name), "60"]);
    running.add(server);
    return server;
  }

  before(() => {
    for (const name of names) copyFileSync("/bin/sleep", join(folder.path, name));
  });
  after(async () => {
    await Promise.all([...running].map((server) => server.stop()));
    folder.remove();
  });

  /** A package asks for the names that are configured, and is granted them. */
  const check = (name: string, interval: string, options: object): string =>
    `${name}: { plugin: "@karuntime/process", interval: "${interval}", timeout: "2s", grant: { processes: ${JSON.stringify(names)} }, options: ${JSON.stringify({ names, ...options })} },`;

  test("counts, weighs, and runs at once when a process ends", async () => {
    const [a, b] = [start(names[0]), start(names[1])];
    await withProject(
      `checks: {
        ${check("both", "100ms", {})}
        ${check("watched", "60s", {})}
        ${check("few", "100ms", { min: 0, max: 1 })}
        ${check("weighed", "100ms", { min: 2, weightPerMissing: -10 })}
      },`,
      async (project) => {
        const weighs = (weight: number): Promise<unknown> =>
          project.waitFor(`a weight of ${weight}`, () =>
            project.judgements.findLast(({ check: name }) => name === "weighed")?.weight === weight
              ? true
              : undefined,
          );
        for (const name of ["both", "watched", "few"]) await becomes(project, name, "up");
        await weighs(-20);
        // One that hangs is still there.
        a.signal("SIGSTOP");
        await becomes(project, "both", "up");
        const more = start(names[0]);
        await becomes(
          project,
          "few",
          "down",
          new RegExp(`^2 of ${names[0]} run, expected at most 1$`),
        );
        await weighs(-10);
        await more.stop();
        await becomes(project, "few", "up");

        await new Promise((resolve) => setTimeout(resolve, WATCHED_AFTER_MS));
        await b.stop();
        await becomes(project, "watched", "down", new RegExp(`^0 of ${names[1]} run`));
        await becomes(
          project,
          "both",
          "down",
          new RegExp(`^0 of ${names[1]} run, expected at least 1$`),
        );
        await weighs(-30);
        assert.equal((await project.report("watched")).denied, 0);
      },
    );
  });
});
