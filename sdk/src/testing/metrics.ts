/** Numbers that a plugin publishes, in a test: the same are refused as in the sandbox. */

const SERIES_MAX = 50;
const LABELS_MAX = 5;
const LABEL_CHARACTERS_MAX = 64;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

/** A number that the plugin published, with what it came to. */
export interface Metric {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly labels: Readonly<Record<string, string>>;
  /** Of a counter the sum. */
  readonly value: number;
}

/** @returns what adds a number; `series` has what it comes to. @throws Error for what is none. */
export function createSeries(series: Map<string, Metric>) {
  return (
    type: Metric["type"],
    name: string,
    value: number,
    labels: Readonly<Record<string, string>> = {},
  ): void => {
    if (!NAME.test(name))
      throw new Error(
        `metrics: found the name ${JSON.stringify(name)}, expected letters a-z, digits and _, at most 64, a letter first`,
      );
    if (!Number.isFinite(value) || (type === "counter" && value < 0))
      throw new Error(
        `metrics: found ${String(value)} for ${name}, expected ${type === "counter" ? "what is added, 0 or more" : "a number"}`,
      );
    const pairs = Object.entries(labels).toSorted();
    if (pairs.length > LABELS_MAX)
      throw new Error(`metrics: a metric has at most ${LABELS_MAX} labels`);
    for (const [label, said] of pairs)
      if (!NAME.test(label) || typeof said !== "string" || said.length > LABEL_CHARACTERS_MAX)
        throw new Error(
          `metrics: found the label ${JSON.stringify(label)}: ${JSON.stringify(said)}, expected a name and a text of at most ${LABEL_CHARACTERS_MAX} characters`,
        );
    const key = JSON.stringify([name, pairs]);
    const before = series.get(key);
    if (before === undefined && series.size >= SERIES_MAX)
      throw new Error(`metrics: a check has at most ${SERIES_MAX} of them, labels included`);
    const sum = type === "counter" ? (before?.value ?? 0) + value : value;
    series.set(key, { name, type, labels, value: sum });
  };
}
