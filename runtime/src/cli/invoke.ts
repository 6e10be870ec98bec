/** `karuntime invoke`: runs a plugin once, in a real sandbox, and shows everything that it did. */
import { ConfigurationError } from "../config/diagnostic.ts";
import { openSession } from "../develop/open.ts";
import { exitStatus, formatRun, jsonOf } from "../develop/print.ts";

/** When there is nothing to run. */
const UNUSABLE = 2;
/** As a shell has it: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

export async function run(argv: readonly string[]): Promise<number> {
  try {
    const { session, file, name, json, interrupted } = await openSession(argv, "invoke");
    try {
      const result = await Promise.race([session.run(), interrupted]);
      if (result === undefined) return INTERRUPTED;
      process.stdout.write(
        json
          ? `${JSON.stringify(jsonOf(result, file), undefined, 2)}\n`
          : `${formatRun(result, name)}\n`,
      );
      return exitStatus(result);
    } finally {
      await session.stop();
    }
  } catch (error) {
    process.stderr.write(
      `${error instanceof ConfigurationError ? "" : "karuntime: "}${error instanceof Error ? error.message : String(error)}\n`,
    );
    return UNUSABLE;
  }
}
