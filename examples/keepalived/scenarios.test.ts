/** The failovers that the articles describe happen: with their keepalived.conf as it is, and with what it migrates to. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ensureLabPrivileges } from "@karuntime/lab/privileges.ts";
import { waitFor } from "@karuntime/lab/time.ts";
import { scenarios } from "./scenarios.ts";
import type { Form, Scenario } from "./stage.ts";
import { setStage, titleOf } from "./stage.ts";

/** Three intervals of the check, three advertisements, and a busy machine. */
const MOVE_MS_MAX = 30_000;
const skip = process.getuid?.() === 0 ? false : "needs root";

describe("keepalived.conf from the web", { concurrency: 5, skip }, () => {
  for (const scenario of scenarios)
    for (const form of ["original", "migrated"] as const)
      test(`${titleOf(scenario)}, ${form}`, { timeout: 4 * 60_000 }, () => play(scenario, form));
});

async function play(scenario: Scenario, form: Form): Promise<void> {
  await ensureLabPrivileges();
  const stage = await setStage(scenario, form);
  const { first, second, probe } = stage;
  try {
    await probe.answered("first", MOVE_MS_MAX);
    assert.equal(await first.host.holds(scenario.virtualAddress), true);
    assert.equal(await second.host.holds(scenario.virtualAddress), false);

    await first.nginx.kill();
    if (scenario.restarts) {
      await waitFor("nginx to be started again", () => first.nginx.runs(), MOVE_MS_MAX);
      await probe.answered("first", MOVE_MS_MAX);
    } else {
      await probe.answered("second", MOVE_MS_MAX);
      await first.nginx.start();
      await probe.answered("first", MOVE_MS_MAX);
    }

    first.nginx.break();
    await first.nginx.kill();
    await probe.answered("second", MOVE_MS_MAX);
    assert.equal(first.nginx.runs(), false);
    first.nginx.heal();
    if (!scenario.restarts) await first.nginx.start();
    await probe.answered("first", MOVE_MS_MAX);

    assert.equal((await first.karuntime.stop()).code, 0);
    await probe.answered("second", MOVE_MS_MAX);
    assert.equal(await first.host.holds(scenario.virtualAddress), false);
    await second.karuntime.stop();
  } catch (error) {
    const tail = (name: string, output: string): string => `\n${name}:\n${output.slice(-3000)}`;
    throw new Error(
      `${error instanceof Error ? error.message : String(error)}${tail("first", first.karuntime.process.output)}${tail("second", second.karuntime.process.output)}`,
      { cause: error },
    );
  } finally {
    await stage.close();
  }
}
