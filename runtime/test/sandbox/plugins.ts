/** Plugins as the daemon runs them: a project in a folder of its own, its configuration loaded, its sandbox hosts started. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadInProcess } from "../../dist/config/loader.js";
import type { Plugins } from "../../dist/daemon/plugins.js";
import { startPlugins } from "../../dist/daemon/plugins.js";
import type { CheckReport } from "../../dist/sandbox/protocol.js";
import { linkModules } from "./modules.ts";

const WAIT_MS_MAX = 15_000;

export interface Judgement {
  readonly check: string;
  readonly state: "up" | "down";
  readonly reason: string;
  readonly weight: number | null;
  readonly atMs: number;
}

export interface Project {
  readonly folder: string;
  readonly plugins: Plugins;
  /** Every judgement, in order. */
  readonly judgements: readonly Judgement[];
  /** Every log line: its fields and its message. */
  readonly lines: readonly {
    readonly fields: Readonly<Record<string, unknown>>;
    readonly message: string;
  }[];
  judged(check: string): Promise<Judgement>;
  report(check: string): Promise<CheckReport>;
  waitFor<T>(what: string, find: () => T | undefined | Promise<T | undefined>): Promise<T>;
  /** The process of a trust group's host. */
  pid(group: string): number | undefined;
  stop(): Promise<void>;
}

/**
 * Writes the files, loads `karuntime.config.ts` among them, and starts its plugins. Without packages of its own, the project has
 * those of this workspace.
 *
 * @throws ConfigurationError
 */
export async function startProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-project-"));
  const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    if (!existsSync(join(folder, "node_modules"))) linkModules(folder);
    return await startFolder(folder, cleanUp);
  } catch (error) {
    cleanUp();
    throw error;
  }
}

/**
 * Loads the configuration of a folder that is there, and starts its plugins.
 *
 * @throws ConfigurationError
 */
export async function startFolder(folder: string, cleanUp = (): void => {}): Promise<Project> {
  const judgements: Judgement[] = [];
  const lines: { fields: Readonly<Record<string, unknown>>; message: string }[] = [];
  const loaded = await loadInProcess(join(folder, "karuntime.config.ts"));
  const states = new Map<string, "up" | "down">();
  const judge = {
    set(check: string, state: "up" | "down", reason: string, weight: number | null = null) {
      states.set(check, state);
      judgements.push({ check, state, reason, weight, atMs: performance.now() });
    },
    state: (check: string) => states.get(check) ?? ("unknown" as const),
  };
  const say = (fields: Readonly<Record<string, unknown>> | string, message = ""): void =>
    void lines.push(
      typeof fields === "string" ? { fields: {}, message: fields } : { fields, message },
    );
  const log = { debug: say, info: say, warn: say, error: say, fatal: say };
  const plugins = startPlugins(
    loaded,
    judge,
    join(folder, "state"),
    log as unknown as Parameters<typeof startPlugins>[3],
  );

  async function waitFor<T>(
    what: string,
    find: () => T | undefined | Promise<T | undefined>,
  ): Promise<T> {
    const deadline = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const found = await find();
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw new Error(
          `${what} did not come within ${WAIT_MS_MAX} ms: ${JSON.stringify(lines.slice(-5))}`,
        );
      await sleep(10);
    }
  }

  return {
    folder,
    plugins,
    judgements,
    lines,
    waitFor,
    judged: (check) =>
      waitFor(`a judgement of ${check}`, () =>
        judgements.findLast((entry) => entry.check === check),
      ),
    report: (check) =>
      waitFor(`a report of ${check}`, async () =>
        (await plugins.report()).find((entry) => entry.check === check),
      ),
    pid: (group) => plugins.status().find(({ name }) => name === group)?.pid,
    async stop() {
      await plugins.stop();
      cleanUp();
    },
  };
}

/** A configuration with these parts around one virtual router. */
export function configuration(parts: string): string {
  return `import { defineConfig } from "karuntime/config";
export default defineConfig({
  virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.10/24"] } },
  ${parts}
});
`;
}
