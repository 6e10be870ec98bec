/** What one invocation of a plugin costs beside a bare call of isolated-vm, cold and warm, in one process and in turns. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ivm from "isolated-vm";
import { bundle, stopBundler } from "../runtime/dist/plugins/bundle.js";
import { PluginIsolate } from "../runtime/dist/sandbox/isolate.js";
import { createMemoryWatch } from "../runtime/dist/sandbox/memory-watch.js";
import { PluginRunner } from "../runtime/dist/sandbox/plugin-runner.js";
import type { PluginBundle } from "../runtime/dist/sandbox/protocol.js";
import type { Figure, Measurement } from "./measurement.ts";
import { summarize } from "./statistics.ts";

const SOURCE = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { processes: ["nginx"], system: true },
  options: { call: { type: "boolean", default: false } },
  async check({ processes, system, options, down }) {
    if ((await processes.count("nginx")) === 0) return down("nginx does not run");
    if (options.call) await system.load();
  },
});
`;
/** The same without anything around it: no limits but the time's, no border that is checked. */
const BARE = `async function check(host) {
  if (host !== undefined) await host.apply(undefined, ["load"], { result: { promise: true, copy: true } });
  return "up";
}
check`;
const COLD_ROUNDS = 200;
const WARM_ROUNDS = 30_000;
const TURN = 100;
const TIMEOUT_MS = 1000;
const MEMORY_MB = 64;
const RATIO_MAX = 1.3;
const COLD_MS_MAX = 2;

const memory = createMemoryWatch(
  Number.POSITIVE_INFINITY,
  () => undefined,
  () => undefined,
);

export const invocations: Measurement = {
  name: "invocations",
  title: "an invocation beside a bare isolated-vm call",
  async run(quick) {
    const code = await bundled();
    const cold: number[] = [];
    for (let round = 0; round < (quick ? 40 : COLD_ROUNDS); round++) cold.push(await coldMs(code));
    const rounds = quick ? 1000 : WARM_ROUNDS;
    return [
      {
        what: "cold start: a new isolate to its first result",
        unit: "ms",
        by: "median",
        keepalived: undefined,
        karuntime: summarize(cold),
        aim: `<= ${COLD_MS_MAX} ms`,
        met: summarize(cold).median <= COLD_MS_MAX,
      },
      ...(await onOneProcessor(async () => [
        await warm("warm invocation, on one processor", code, false, rounds),
        await warm("warm invocation with a host call, on one processor", code, true, rounds),
      ])),
      await warm("warm invocation", code, false, rounds),
      await warm("warm invocation with a host call", code, true, rounds),
    ];
  },
};

async function warm(
  what: string,
  code: PluginBundle,
  call: boolean,
  rounds: number,
): Promise<Figure> {
  const runner = runnerOf(code, call, isolateOf(code));
  const bare = await bareCall();
  const ours: number[] = [];
  const theirs: number[] = [];
  // In turns of some: each would otherwise find the processor's caches as the other one left them.
  while (ours.length < rounds) {
    for (let turn = 0; turn < TURN; turn++) ours.push(await timed(() => runner.run()));
    for (let turn = 0; turn < TURN; turn++) theirs.push(await timed(() => bare(call)));
  }
  const karuntime = summarize(ours.slice(rounds / 3));
  const without = summarize(theirs.slice(rounds / 3));
  const ratio = karuntime.median / without.median;
  return {
    what,
    unit: "ms",
    by: "median",
    keepalived: undefined,
    karuntime,
    aim: `<= ${RATIO_MAX} x bare`,
    met: ratio <= RATIO_MAX,
    note: `${ratio.toFixed(2)} times the bare call, whose median was ${without.median.toFixed(3)} ms`,
  };
}

/**
 * An isolate has a thread of its own, and where the kernel puts it decides more than what is measured: the same bare call
 * takes twice as long, or not, for a whole run, when its thread happens to lie on another processor.
 */
async function onOneProcessor<T>(work: () => Promise<T>): Promise<T> {
  const [all = ""] = /[0-9,-]+$/.exec(taskset("--cpu-list").trim()) ?? [];
  taskset("--cpu-list", all.split(/[,-]/, 1).join());
  try {
    return await work();
  } finally {
    taskset("--cpu-list", all);
  }
}

/** All threads of this process, those of isolates too. */
function taskset(...words: readonly string[]): string {
  return execFileSync("taskset", ["--all-tasks", "--pid", ...words, String(process.pid)], {
    encoding: "utf8",
  });
}

function isolateOf(code: PluginBundle): PluginIsolate {
  return new PluginIsolate({ code: code.code, name: code.file, onCatastrophe, memory });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

async function coldMs(code: PluginBundle): Promise<number> {
  let isolate: PluginIsolate | undefined;
  const ms = await timed(async () => {
    isolate = isolateOf(code);
    const result = await runnerOf(code, false, isolate).run();
    if (result.outcome !== "up")
      throw new Error(`the check is ${result.outcome}: ${result.reason}`);
  });
  isolate?.dispose();
  return ms;
}

function runnerOf(code: PluginBundle, call: boolean, isolate: PluginIsolate): PluginRunner {
  return new PluginRunner({
    name: "bench",
    bundle: code,
    options: { call },
    target: null,
    timeoutMs: TIMEOUT_MS,
    redact: (text) => text,
    capabilities: {
      perform: async () => ({ one: 0, five: 0, fifteen: 0, cpus: 1 }),
      counts: () => ({ nginx: 1 }),
      denied: () => 0,
      metrics: () => [],
    },
    isolate: () => isolate,
    onStuck: onCatastrophe,
  });
}

/** @returns a call of the bare function, with a host call in it where that is asked for. */
async function bareCall(): Promise<(call: boolean) => Promise<unknown>> {
  const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB });
  const context = await isolate.createContext();
  const script = await isolate.compileScript(BARE);
  const check = (await script.run(context, { reference: true })) as ivm.Reference;
  const host = new ivm.Reference(async () => "load");
  return (call) =>
    check.apply(undefined, call ? [host] : [], {
      timeout: TIMEOUT_MS,
      result: { promise: true, copy: true },
    });
}

async function bundled(): Promise<PluginBundle> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-bench-"));
  try {
    writeFileSync(join(folder, "check.ts"), SOURCE);
    const result = await bundle(join(folder, "check.ts"));
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    return result.bundle;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await stopBundler();
  }
}

function onCatastrophe(reason: string): void {
  throw new Error(reason);
}
