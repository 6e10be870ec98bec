/** `karuntime dev`: runs a plugin as `invoke` does, and again whenever one of its files is saved, until SIGINT or SIGTERM. */
import { openSession } from "../develop/open.ts";
import { formatRun, jsonOf } from "../develop/print.ts";
import { watchSources } from "../develop/watch.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { session, file, name, json, interrupted } = await openSession(argv, "dev");
  let running = false;
  let again = false;
  let stopped = false;
  const watch = watchSources(() => void cycle());

  /** A save during a run has it run once more afterwards. */
  async function cycle(): Promise<void> {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      const result = await session.run();
      if (stopped) return;
      watch.follow(session.inputs(), result.type === "not loaded");
      process.stdout.write(
        json ? `${JSON.stringify(jsonOf(result, file))}\n` : `${formatRun(result, name)}\n---\n`,
      );
    }
    running = false;
  }

  // Before the first run: what is saved meanwhile counts.
  watch.follow(session.inputs(), false);
  void cycle();
  await interrupted;
  stopped = true;
  watch.close();
  await session.stop();
  return 0;
}
