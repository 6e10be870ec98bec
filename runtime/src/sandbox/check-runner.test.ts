import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import type { Capabilities } from "./capabilities.ts";
import { CheckRunner } from "./check-runner.ts";
import type { PluginRunner } from "./plugin-runner.ts";
import type { CheckSpec, SandboxToDaemon } from "./protocol.ts";

const INTERVAL_MS = 60_000;
const RETRY_MS = 100;

describe("a check with a delay for retries", () => {
  /** Has a check come to these results, and tells how long after the start each run was, and what was told of its state. */
  async function run(results: readonly ("up" | "down")[], spec: Partial<CheckSpec> = {}) {
    mock.timers.enable({ apis: ["setTimeout"] });
    let nowMs = INTERVAL_MS;
    const clock = mock.method(performance, "now", () => nowMs);
    const ranAtMs: number[] = [];
    const told: string[] = [];
    const left = [...results];
    const runner = {
      run: async () => {
        ranAtMs.push(nowMs - INTERVAL_MS);
        const outcome = left.shift() ?? "up";
        return { outcome, reason: "", weight: undefined, ownFault: false, durationMs: 1, cpuMs: 1 };
      },
    } as unknown as PluginRunner;
    const check = new CheckRunner({
      spec: {
        name: "check",
        intervalMs: INTERVAL_MS,
        rise: 1,
        fall: 3,
        retryDelayMs: RETRY_MS,
        onFault: "down",
        initialState: "unknown",
        startDelayMs: 0,
        faults: 0,
        ...spec,
      } as CheckSpec,
      capabilities: {} as Capabilities,
      runner,
      onRun: () => undefined,
      send: (message: SandboxToDaemon) => {
        if (message.type === "state") told.push(`${message.state} after ${ranAtMs.length}`);
      },
    });
    try {
      check.start(0);
      while (left.length > 0) {
        // What was asked for comes first: a run has to end before the next one is due.
        for (let turn = 0; turn < 5; turn++) await undefined;
        nowMs += RETRY_MS / 2;
        mock.timers.tick(RETRY_MS / 2);
      }
      for (let turn = 0; turn < 5; turn++) await undefined;
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
    return { ranAtMs, told };
  }

  test("runs again so soon while a failure does not count yet, then at its interval", async () =>
    assert.deepEqual(await run(["up", "down", "down", "down", "down", "up"]), {
      ranAtMs: [0, 60_000, 60_100, 60_200, 120_000, 180_000],
      told: ["up after 1", "down after 4", "up after 6"],
    }));

  test("goes back to its interval when a retry succeeds", async () =>
    assert.deepEqual(await run(["up", "down", "up", "up"]), {
      ranAtMs: [0, 60_000, 60_100, 120_000],
      told: ["up after 1"],
    }));

  test("runs first after its delay, then on its grid", async () =>
    assert.deepEqual(await run(["up", "up"], { startDelayMs: 90_000 }), {
      ranAtMs: [90_000, 120_000],
      told: ["up after 1"],
    }));

  test("has its first failure decide alone", async () =>
    assert.deepEqual(await run(["down", "up"]), {
      ranAtMs: [0, 60_000],
      told: ["down after 1", "up after 2"],
    }));

  test("keeps its grid, also when retries take longer than the interval", async () =>
    assert.deepEqual(await run(["up", "down", "down", "down", "up"], { retryDelayMs: 45_000 }), {
      ranAtMs: [0, 60_000, 105_000, 150_000, 180_000],
      told: ["up after 1", "down after 4", "up after 5"],
    }));
});
