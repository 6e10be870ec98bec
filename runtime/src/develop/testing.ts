/** For the tests of a plugin's author: a plugin in the sandbox itself, with its limits, on this host as it is. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { NotifierEvent } from "@karuntime/sdk";
import { formatDiagnostic } from "../config/diagnostic.ts";
import { checkTarget } from "../config/plugin-use.ts";
import type { TracedInvocation } from "../sandbox/protocol.ts";
import { startHostProcess } from "./host-process.ts";
import { startSession } from "./session.ts";

const TIMEOUT_MS = 5000;

export interface SandboxTestOptions {
  readonly options?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** What a checker looks at, as "address:port". */
  readonly target?: string;
  /** What a notifier is told. Default "master". */
  readonly event?: NotifierEvent["event"];
  /** Default 5000. */
  readonly timeoutMs?: number;
}

export interface SandboxTestResult extends TracedInvocation {
  readonly logs: readonly {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly message: string;
  }[];
}

/**
 * Runs a plugin once, as `karuntime invoke` does: it is granted what it asks for.
 *
 * @param plugin its file, as a URL or relative to the working directory.
 * @throws Error when it cannot be loaded, with the place.
 * @example
 * const { outcome, cpuMs } = await runInSandbox(new URL("./nginx.ts", import.meta.url));
 */
export async function runInSandbox(
  plugin: string | URL,
  given: SandboxTestOptions = {},
): Promise<SandboxTestResult> {
  const options = {
    file: plugin instanceof URL ? fileURLToPath(plugin) : resolve(plugin),
    options: Object.fromEntries(
      Object.entries(given.options ?? {}).map(([name, value]) => [
        name,
        [value].flat().map(String),
      ]),
    ),
    target: given.target === undefined ? null : checkTarget.parse(given.target),
    event: given.event ?? "master",
    timeoutMs: given.timeoutMs ?? TIMEOUT_MS,
    inspectPort: undefined,
    configuration: undefined,
  };
  const session = await startSession(options, startHostProcess(undefined, []));
  try {
    const run = await session.run();
    if (run.type === "ran") return { ...run.invocation, logs: run.logs };
    throw new Error(run.diagnostics.map(formatDiagnostic).join("\n"));
  } finally {
    await session.stop();
  }
}
