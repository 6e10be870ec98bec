/** The system check and this machine: what it measures, limits that no machine keeps, and a real disk that fills up. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { becomes, serve, temporaryFolder, withProject } from "../../testing.ts";

const noPressure = existsSync("/proc/pressure/io") ? false : "this kernel tells no pressure";

const check = (name: string, options: object): string =>
  `${name}: { plugin: "@karuntime/system", interval: "100ms", timeout: "2s", grant: { system: true, metrics: true }, options: ${JSON.stringify(options)} },`;

describe("the system check", () => {
  test("judges nothing without limits, and all that has one", () =>
    withProject(
      `checks: {
        ${check("measured", {})}
        ${check("loose", { loadPerCpuMax: 100_000, memoryPercentMin: 0.001, diskPercentMin: 0.001, paths: ["/proc/../tmp"] })}
        ${check("tight", { memoryPercentMin: 100 })}
        ${check("nowhere", { paths: ["/nonexistent"] })}
      },`,
      async (project) => {
        await becomes(project, "measured", "up");
        await becomes(project, "loose", "up");
        await becomes(
          project,
          "tight",
          "down",
          /^the available memory is [\d.]+ %, expected at least 100 %$/,
        );
        await becomes(project, "nowhere", "error", /ENOENT/);
        const { metrics } = await project.report("measured");
        const found = metrics.map(({ name, labels, value }) => {
          assert.ok(value >= 0 && (name === "load_per_cpu" || value <= 100), `${name} ${value}`);
          return [name, ...Object.values(labels)].join(" ");
        });
        assert.deepEqual(found, [
          "load_per_cpu",
          "memory_available_percent",
          "disk_free_percent /",
          ...(noPressure === false
            ? ["pressure_percent cpu", "pressure_percent memory", "pressure_percent io"]
            : []),
        ]);
      },
    ));

  test("sees the processors being busy", { skip: noPressure }, async () => {
    const limits = { loadPerCpuMax: 0.01, cpuPressureMax: 0.1 };
    const busy = Array.from({ length: availableParallelism() + 1 }, () =>
      serve(["sh", "-c", "while :; do :; done"]),
    );
    try {
      await withProject(`checks: { ${check("busy", limits)} },`, (project) =>
        becomes(
          project,
          "busy",
          "down",
          /^the load per processor is [\d.]+, expected at most 0\.01; the cpu pressure is [\d.]+ %, expected at most 0\.1 %$/,
        ),
      );
    } finally {
      await Promise.all(busy.map((server) => server.stop()));
    }
  });

  describe("with a disk of its own", () => {
    const folder = temporaryFolder();
    const disk = join(folder.path, "disk");
    let mounted = false;

    before(() => {
      chmodSync(folder.path, 0o755);
      mkdirSync(disk);
      mounted =
        spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755", "none", disk]).status === 0;
    });
    after(() => {
      if (mounted) execFileSync("umount", [disk]);
      folder.remove();
    });

    test("is down while it is full", async (context) => {
      if (!mounted) return context.skip("needs root: it mounts a file system");
      await withProject(
        `checks: { ${check("disk", { diskPercentMin: 20, paths: [disk] })} },`,
        async (project) => {
          await becomes(project, "disk", "up");
          writeFileSync(join(disk, "large"), Buffer.alloc(900 * 1024));
          await becomes(
            project,
            "disk",
            "down",
            /^what is free at \S+disk is 1\d(?:\.\d+)? %, expected at least 20 %$/,
          );
          rmSync(join(disk, "large"));
          await becomes(project, "disk", "up");
        },
      );
    });
  });
});
