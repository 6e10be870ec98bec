/** A short-lived sandbox host that evaluates modules and returns what they export, as plain data. */
import type { JsonLines } from "../json-lines.ts";
import { jsonLines } from "../json-lines.ts";
import type { DaemonToSandbox, JsonValue, PluginBundle, PluginError } from "../sandbox/protocol.ts";
import { spawnSandboxHost } from "../sandbox/spawn.ts";
import { sandboxUser } from "./sandbox-user.ts";

const ANSWER_MS_MAX = 10_000;
/** One isolate of 64 MB, and what the process itself takes. */
const MEMORY_BYTES_MAX = 128 * 1024 * 1024;
const COMPLAINT_CHARACTERS_MAX = 2000;

export type Evaluation =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly error: PluginError };

export interface Evaluator {
  /** Runs a module's top level in an isolate of its own. Never rejects. */
  evaluate(
    bundle: PluginBundle,
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<Evaluation>;
  /** Ends the process. */
  stop(): void;
}

/** Starts the process; it is ready when it answers. */
export function startEvaluator(): Evaluator {
  const { child, channel } = spawnSandboxHost({
    user: sandboxUser(undefined),
    memoryBytes: MEMORY_BYTES_MAX,
    readable: [],
  });
  const waiting = new Map<number, (evaluation: Evaluation) => void>();
  let nextId = 1;
  const fail = (message: string): void => {
    for (const resolve of waiting.values()) resolve({ ok: false, error: { message } });
    waiting.clear();
  };
  let complaint = "";
  child.stderr?.on("data", (text: Buffer) => {
    if (complaint.length < COMPLAINT_CHARACTERS_MAX) complaint += text.toString("utf8");
  });
  const lines: JsonLines<DaemonToSandbox> = jsonLines(channel, receive, (reason) =>
    fail(`the process that evaluates it broke off: ${complaint.trim() || (reason ?? "it ended")}`),
  );
  child.on("error", (error) =>
    fail(`the process that evaluates it could not be started: ${error.message}`),
  );

  function receive(message: unknown): void {
    if (!isEvaluated(message)) return;
    waiting.get(message.id)?.(message.result);
    waiting.delete(message.id);
  }

  return {
    evaluate(bundle, environment) {
      return new Promise((resolve) => {
        const id = nextId++;
        const timer = setTimeout(() => {
          waiting.delete(id);
          resolve({
            ok: false,
            error: { message: `it did not end within ${ANSWER_MS_MAX / 1000} s` },
          });
        }, ANSWER_MS_MAX);
        waiting.set(id, (evaluation) => {
          clearTimeout(timer);
          resolve(evaluation);
        });
        const defined = Object.fromEntries(
          Object.entries(environment).filter(
            (entry): entry is [string, string] => entry[1] !== undefined,
          ),
        );
        lines.send({ type: "evaluate", id, bundle, environment: defined });
      });
    },
    stop() {
      lines.close();
      child.kill("SIGKILL");
    },
  };
}

/** What came back is user-written and stays unknown data; only the envelope is checked here. */
function isEvaluated(
  message: unknown,
): message is { readonly type: "evaluated"; readonly id: number; readonly result: Evaluation } {
  if (typeof message !== "object" || message === null) return false;
  const { type, id, result } = message as {
    readonly type?: unknown;
    readonly id?: unknown;
    readonly result?: { readonly ok?: unknown; readonly error?: { readonly message?: unknown } };
  };
  return (
    type === "evaluated" &&
    typeof id === "number" &&
    (result?.ok === true || (result?.ok === false && typeof result.error?.message === "string"))
  );
}
