/** What every part of the reader has at hand, and the small values that all of them write. */
import type { Duration } from "../define.ts";
import type { HostFacts } from "./host.ts";
import type { Report, Statement } from "./keyword.ts";
import type { Place } from "./line.ts";
import type { Word } from "./word.ts";

export interface Context {
  readonly report: Report;
  readonly host: HostFacts;
  /** Remembers where the value at a path of the configuration stands, for what is found out about it later. */
  readonly mark: (path: readonly (string | number)[], at: Word | Statement | Place) => void;
  /** The place that was remembered for a path, or for the nearest one around it. */
  readonly markOf: (path: readonly PropertyKey[]) => Place | undefined;
}

const HOUR_MS = 3_600_000;

/** Milliseconds as a configuration says them; a fraction is rounded up. */
export function duration(milliseconds: number): Duration {
  const whole = Math.ceil(milliseconds);
  return whole % 1000 === 0 ? `${whole / 1000}s` : `${whole}ms`;
}

/** A time that karuntime bounds to an hour; what is cut is reported. */
export function upToAnHour(
  milliseconds: number,
  at: Word | Statement,
  report: Report,
  least = 0,
): Duration {
  const bounded = Math.min(HOUR_MS, Math.max(least, milliseconds));
  if (bounded !== milliseconds)
    report.warning(
      at,
      "keepalived.bounded",
      `found ${milliseconds / 1000} s; karuntime takes ${least / 1000} s to an hour, so ${bounded / 1000} s it is`,
    );
  return duration(bounded);
}

/** The entries whose value is not undefined, so that what is not configured is not written. */
export function present<T extends object>(
  entries: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Whether curly quotes came from a blog, as in “/etc/keepalived/check.sh”. */
export function hasCurlyQuotes(text: string): boolean {
  return /[\u201C-\u201F\u2018-\u201B]/.test(text);
}
