/** What a measurement is and what it yields. */
import type { Summary } from "./statistics.ts";

/** One row of the table: a figure for each contender, and what was aimed at. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly keepalived: Summary | undefined;
  readonly karuntime: Summary;
  /** Which number of the summaries is compared. */
  readonly by: "median" | "p99" | "max";
  readonly aim: string;
  readonly met: boolean;
  readonly note?: string;
}

export interface Measurement {
  readonly name: string;
  readonly title: string;
  /** @param quick fewer repetitions, for trying it out. */
  run(quick: boolean): Promise<readonly Figure[]>;
}

/** karuntime's figure over keepalived's. */
export function ratio({
  keepalived,
  karuntime,
  by,
}: Pick<Figure, "keepalived" | "karuntime" | "by">): number | undefined {
  return keepalived === undefined || keepalived[by] === 0
    ? undefined
    : karuntime[by] / keepalived[by];
}
