/** The daemon's log: pino, JSON lines, or pretty on a terminal. Only the daemon writes it; the others send records to it. */
import { pino } from "pino";
import type { Logger } from "pino";

export type LogFormat = "json" | "pretty";
export type LogLevel = "debug" | "info" | "warn" | "error";
export type { Logger };

/**
 * Makes the log, on standard output.
 *
 * @param format pretty is for people; it is loaded only when used.
 */
export async function createLog(format: LogFormat, level: LogLevel): Promise<Logger> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (format === "json") return pino(options, pino.destination({ fd: 1, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  return pino(
    options,
    pretty({
      destination: 1,
      sync: true,
      singleLine: true,
      translateTime: "SYS:HH:MM:ss.l",
      ignore: "pid,hostname",
    }),
  );
}
