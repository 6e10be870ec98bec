/** Which processes are too few or too many. */

export interface Count {
  readonly name: string;
  readonly running: number;
}

/** How many processes are missing to the minimum, all names together. */
export function missing(counts: readonly Count[], min: number): number {
  return counts.reduce((sum, { running }) => sum + Math.max(0, min - running), 0);
}

/** What is wrong, name by name; "" when nothing is. @param max 0 for no limit. */
export function faults(counts: readonly Count[], min: number, max: number): string {
  return counts
    .flatMap(({ name, running }) =>
      running < min
        ? [`${running} of ${name} run, expected at least ${min}`]
        : max > 0 && running > max
          ? [`${running} of ${name} run, expected at most ${max}`]
          : [],
    )
    .join("; ");
}
