/** How long an author waits for `karuntime dev`: for its first result, and for the one after a save. As seen from outside. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const ROUNDS = 5;
const SAVES = 20;
/** Between two saves: longer than one takes, so that none waits for the one before. */
const PAUSE_MS = 300;
const FIRST_MS_MAX = 300;
const SAVE_MS_MAX = 50;

const root = fileURLToPath(new URL("..", import.meta.url));
const karuntime = join(root, "runtime/dist/cli/main.js");
const check = "checks/nginx.ts";

export const dev: Measurement = {
  name: "dev",
  title: "how long an author waits for karuntime dev",
  async run(quick) {
    const project = newProject();
    try {
      const first: number[] = [];
      const saves: number[] = [];
      for (let round = 0; round < (quick ? 1 : ROUNDS); round++)
        await session(project, quick ? 3 : SAVES, first, saves);
      return [
        figure("karuntime dev: the first result", first, FIRST_MS_MAX),
        figure("karuntime dev: a save to its result", saves, SAVE_MS_MAX),
      ];
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  },
};

function figure(what: string, samples: readonly number[], aimMs: number): Figure {
  const karuntimes = summarize(samples);
  return {
    what,
    unit: "ms",
    by: "median",
    keepalived: undefined,
    karuntime: karuntimes,
    aim: `<= ${aimMs} ms`,
    met: karuntimes.median <= aimMs,
    note: `${karuntimes.count} times, the longest ${karuntimes.max.toFixed(0)} ms`,
  };
}

/** As `karuntime init` leaves it, with this checkout in place of the packages that `npm install` would bring. */
function newProject(): string {
  const project = mkdtempSync(join(tmpdir(), "karuntime-bench-"));
  execFileSync(process.execPath, [karuntime, "init", project], { stdio: "ignore" });
  mkdirSync(join(project, "node_modules/@karuntime"), { recursive: true });
  symlinkSync(join(root, "sdk"), join(project, "node_modules/@karuntime/sdk"));
  symlinkSync(join(root, "runtime"), join(project, "node_modules/karuntime"));
  return project;
}

async function session(
  project: string,
  saves: number,
  first: number[],
  after: number[],
): Promise<void> {
  const startedAtMs = performance.now();
  const child = spawn(process.execPath, [karuntime, "dev", check, "--json"], {
    cwd: project,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const results = createInterface(child.stdout)[Symbol.asyncIterator]();
  const result = async (): Promise<void> => {
    const { value, done } = await results.next();
    if (done === true) throw new Error("karuntime dev ended");
    const { outcome } = JSON.parse(value) as { readonly outcome: string };
    if (outcome !== "up" && outcome !== "down") throw new Error(`karuntime dev said ${value}`);
  };
  try {
    await result();
    first.push(performance.now() - startedAtMs);
    for (let save = 0; save < saves; save++) {
      await delay(PAUSE_MS);
      const savedAtMs = performance.now();
      appendFileSync(join(project, check), `// ${save}\n`);
      await result();
      after.push(performance.now() - savedAtMs);
    }
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}
