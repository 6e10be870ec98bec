/** The engine's log: records for the daemon, which writes them. */
import type { EngineToDaemon } from "./protocol.ts";

/** Lines of one kind: one in this time. Counters are exact. */
const SAME_KIND_MS = 1000;

export type LogLevel = "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, string | number>>;

export class EngineLog {
  readonly #send: (message: EngineToDaemon) => void;
  readonly #saidAtMs = new Map<string, number>();

  constructor(send: (message: EngineToDaemon) => void) {
    this.#send = send;
  }

  say(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.#send({ type: "log", level, message, fields });
  }

  /**
   * Says it unless something of this kind was said a moment ago: for whatever somebody else can bring about. The text is
   * made only if it is said.
   */
  saySometimes(
    level: LogLevel,
    kind: string,
    message: string | (() => string),
    fields: LogFields = {},
  ): void {
    if (this.isDue(kind))
      this.say(level, typeof message === "string" ? message : message(), fields);
  }

  /** Whether nothing of this kind was said a moment ago; from now on it was. */
  isDue(kind: string): boolean {
    const now = performance.now();
    if (now - (this.#saidAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < SAME_KIND_MS) return false;
    this.#saidAtMs.set(kind, now);
    return true;
  }
}
