/**
 * The system check and this machine: what it measures, limits that no machine keeps, a real disk that fills up, and real
 * pressure, from loads that are small and end with the test.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { becomes, serve, temporaryFolder, withProject } from "../../testing.ts";

const noPressure = existsSync("/proc/pressure/io") ? false : "this kernel tells no pressure";

const check = (name: string, options: object): string =>
  `${name}: { plugin: "@karuntime/system", interval: "100ms", timeout: "2s", grant: { system: true, metrics: true }, options: ${JSON.stringify(options)} },`;

const TMPFS = 0x0102_1994;
/** Where files are on a disk; /tmp may be in memory. */
const DISK = "/var/tmp";
const noDisk = statfsSync(DISK).type === TMPFS ? `${DISK} is in memory` : false;

/** A group of processes of the test's own, with little memory; a text says why there is none. */
function makeMemoryGroup(): { readonly path: string; remove(): Promise<void> } | string {
  const [root, limit] = existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    ? ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"]
    : ["/sys/fs/cgroup", "memory.max"];
  const path = join(root, `karuntime-system-${process.pid}`);
  async function remove(): Promise<void> {
    // What was killed may be there for a moment yet.
    for (let tries = 0; existsSync(path); tries++)
      try {
        rmdirSync(path);
      } catch (error) {
        if (tries === 100) throw error;
        await sleep(20);
      }
  }
  try {
    mkdirSync(path);
    writeFileSync(join(path, limit), String(16 * 1024 * 1024));
    return { path, remove };
  } catch (error) {
    if (existsSync(path)) rmdirSync(path);
    return `it may make no cgroup with a limit of memory: ${String(error)}`;
  }
}

/** Up with this machine's pressure as it is, and down while the load adds to it. */
async function seesPressure(
  resource: "memory" | "io",
  load: readonly [string, ...string[]],
): Promise<void> {
  const [, now = ""] =
    /^some avg10=([\d.]+)/.exec(readFileSync(`/proc/pressure/${resource}`, "utf8")) ?? [];
  const limit = Number(now) + 2;
  await withProject(
    `checks: { ${check("pressed", { [`${resource}PressureMax`]: limit })} },`,
    async (project) => {
      await becomes(project, "pressed", "up");
      const server = serve(load);
      try {
        const reason = new RegExp(
          `^the ${resource} pressure is [\\d.]+ %, expected at most ${limit} %$`,
        );
        await becomes(project, "pressed", "down", reason);
      } finally {
        await server.stop();
      }
    },
  );
}

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

  test("sees the disks not keeping up", { skip: noPressure || noDisk }, async () => {
    const folder = mkdtempSync(join(DISK, "karuntime-system-"));
    try {
      const write = `dd if=/dev/zero of=${folder}/file bs=64k count=200 oflag=dsync conv=notrunc`;
      await seesPressure("io", ["sh", "-c", `while :; do ${write}; done`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("sees memory being short", { skip: noPressure || noDisk }, async (context) => {
    const group = makeMemoryGroup();
    if (typeof group === "string") return context.skip(group);
    const folder = mkdtempSync(join(DISK, "karuntime-system-"));
    try {
      const enter = `echo $$ > ${group.path}/cgroup.procs`;
      // A file larger than what the group may keep of it: each time it is read from the disk.
      const write = `dd if=/dev/zero of=${folder}/file bs=1M count=64`;
      const read = `while :; do cat ${folder}/file > /dev/null; done`;
      await seesPressure("memory", ["sh", "-c", `${enter} && ${write} && ${read}`]);
    } finally {
      await group.remove();
      rmSync(folder, { recursive: true });
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
