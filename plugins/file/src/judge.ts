/** What a file says: whether it is as it should be, or what priority it asks for. */
import type { FileContent } from "@karuntime/sdk";

/** What a weight can be at most. Below the opposite, keepalived's track_file means FAULT. */
const WEIGHT_MAX = 253;

export interface Expected {
  /** 0: whatever its age. */
  readonly maxAgeSeconds: number;
  /** "": whatever it contains. */
  readonly contains: string;
  /** A regular expression; "": none. */
  readonly pattern: string;
}

/** The reason to call the check down; undefined when there is none. */
export function faultOf(
  { text, modifiedMs }: FileContent,
  { maxAgeSeconds, contains, pattern }: Expected,
  nowMs: number,
): string | undefined {
  const ageSeconds = (nowMs - modifiedMs) / 1000;
  if (maxAgeSeconds > 0 && ageSeconds > maxAgeSeconds)
    return `it was last written ${Math.round(ageSeconds)} s ago, expected at most ${maxAgeSeconds} s`;
  if (!text.includes(contains)) return `it does not contain ${JSON.stringify(contains)}`;
  if (pattern !== "" && !new RegExp(pattern, "m").test(text)) return `it does not match ${pattern}`;
  return undefined;
}

/**
 * The number in the file times the factor, as keepalived's track_file: "fault" from -254 on downwards, never above 253. An
 * empty file counts as 0.
 *
 * @throws Error when it holds no whole number.
 */
export function weightIn(text: string, factor: number): number | "fault" {
  const number = text.trim();
  if (!/^(?:[+-]?\d+)?$/.test(number))
    throw new Error(`found ${JSON.stringify(number.slice(0, 100))} in it, expected a whole number`);
  const product = Number(number) * factor;
  return product < -WEIGHT_MAX ? "fault" : Math.min(WEIGHT_MAX, product);
}
