/** `weight N [reverse]`: what a tracker adds to the priority, or takes from it. */
import type { Keyword, Report, Statement } from "./keyword.ts";
import { custom, integerOf, required } from "./keyword.ts";

/** The bounds of scripts and interfaces, and those that karuntime has for all. */
export const WEIGHT_MAX = 253;
/** The bounds of files and processes. */
export const WIDE_WEIGHT_MAX = 254;

export interface Weight {
  readonly weight: number;
  readonly reverse: boolean;
}

export function weight(most: number): Keyword<Weight> {
  return custom((statement, report) => readWeight(statement, 0, most, report));
}

/** The weight that the parameters from `index` on say, or undefined, reported. */
export function readWeight(
  statement: Statement,
  index: number,
  most: number,
  report: Report,
): Weight | undefined {
  const word = required(statement, index, `a weight, -${most} to ${most}`, report);
  const number = word === undefined ? undefined : integerOf(word, -most, most, report);
  const option = statement.parameters[index + 1];
  if (option !== undefined && option.text !== "reverse" && option.text !== "noreverse")
    report.error(
      option,
      "keepalived.value",
      `found ${JSON.stringify(option.text)} after the weight, expected reverse or nothing`,
    );
  return number === undefined ? undefined : { weight: number, reverse: option?.text === "reverse" };
}

/** A weight of ±254 is ±253, as keepalived has it. */
export function narrow(value: number, at: Statement, report: Report): number {
  if (Math.abs(value) <= WEIGHT_MAX) return value;
  report.warning(at, "keepalived.bounded", `found the weight ${value}; ±${WEIGHT_MAX} is the most`);
  return Math.sign(value) * WEIGHT_MAX;
}
