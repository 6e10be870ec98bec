/** How `karuntime invoke` and `karuntime dev` begin: the sandbox host starts while the rest of this program is being loaded. */
import { startHostProcess } from "./host-process.ts";
import type { Session } from "./session.ts";

export interface OpenedSession {
  readonly session: Session;
  /** The plugin's. */
  readonly file: string;
  /** The plugin's too, for people. */
  readonly name: string;
  readonly json: boolean;
  /** SIGINT or SIGTERM: what the session holds is to be given back. */
  readonly interrupted: Promise<void>;
}

/** @throws Error for what is wrong on the command line, or with the configuration that it names. */
export async function openSession(
  argv: readonly string[],
  command: string,
): Promise<OpenedSession> {
  const interrupted = new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  // Most plugins count processes; the host starts while it is still unknown whether this one does.
  const first = startHostProcess(undefined, ["/proc/"]);
  try {
    const [{ readArguments }, { startSession }] = await Promise.all([
      import("./arguments.ts"),
      import("./session.ts"),
    ]);
    const { session: options, name, json } = await readArguments(argv, command);
    const session = await startSession(options, first);
    return { session, file: options.file, name, json, interrupted };
  } catch (error) {
    await first.stop();
    throw error;
  }
}
