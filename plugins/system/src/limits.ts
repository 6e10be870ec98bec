/** What was measured, held against its limit. */

export interface Measure {
  /** As a metric. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** 0: any value is good. */
  readonly limit: number;
  /** Whether the limit is the most or the least. */
  readonly bound: "at most" | "at least";
  /** In words, before the value; and after it. */
  readonly what: string;
  readonly unit: string;
}

/** What is beyond its limit, in words; "" when nothing is. */
export function beyond(measures: readonly Measure[]): string {
  return measures
    .filter(
      ({ value, limit, bound }) =>
        limit !== 0 && (bound === "at most" ? value > limit : value < limit),
    )
    .map(
      ({ what, value, unit, bound, limit }) =>
        `${what} is ${Number(value.toFixed(2))}${unit}, expected ${bound} ${limit}${unit}`,
    )
    .join("; ");
}
