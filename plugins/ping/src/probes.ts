/** What a row of pings says about the way to a host. */

export interface Probes {
  /** In percent of those sent. */
  readonly lossPercent: number;
  /** The mean of those answered; undefined when none was. */
  readonly roundTripMs: number | undefined;
}

/** @param timesMs of each ping how long its answer took; undefined where none came. */
export function summarize(timesMs: readonly (number | undefined)[]): Probes {
  const answered = timesMs.filter((time) => time !== undefined);
  const sum = answered.reduce((total, time) => total + time, 0);
  return {
    lossPercent: 100 * (1 - answered.length / timesMs.length),
    roundTripMs: answered.length === 0 ? undefined : sum / answered.length,
  };
}
