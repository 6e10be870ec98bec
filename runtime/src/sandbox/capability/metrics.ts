/** Numbers that a plugin publishes about what it looks at; they are reported with its check. */
import type { Metric } from "../protocol.ts";

const SERIES_MAX = 50;
const LABELS_MAX = 5;
const LABEL_CHARACTERS_MAX = 64;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

export interface Metrics {
  /** @throws Error for a name, a value or labels that are none, and when there are too many. */
  record(argument: unknown): null;
  list(): readonly Metric[];
}

export function createMetrics(): Metrics {
  const series = new Map<string, Metric>();
  return {
    record(argument) {
      const { type, name, value, labels: given } = argument as Readonly<Record<string, unknown>>;
      if (typeof name !== "string" || !NAME.test(name))
        throw new Error(
          `metrics: found the name ${shown(name)}, expected letters a-z, digits and _, at most 64, a letter first`,
        );
      if (typeof value !== "number" || !Number.isFinite(value) || (type === "counter" && value < 0))
        throw new Error(
          `metrics: found ${shown(value)} for ${name}, expected ${type === "counter" ? "what is added, 0 or more" : "a number"}`,
        );
      const labels = labelsOf(given);
      const key = JSON.stringify([name, Object.entries(labels).toSorted()]);
      const before = series.get(key);
      if (before === undefined && series.size >= SERIES_MAX)
        throw new Error(`metrics: a check has at most ${SERIES_MAX} of them, labels included`);
      const kind = type === "counter" ? "counter" : "gauge";
      const sum = kind === "counter" ? (before?.value ?? 0) + value : value;
      if (!Number.isFinite(sum))
        throw new Error(`metrics: ${name} would become larger than a number can be`);
      series.set(key, { name, type: kind, labels, value: sum });
      return null;
    },
    list: () => [...series.values()],
  };
}

function labelsOf(given: unknown): Readonly<Record<string, string>> {
  const entries = typeof given === "object" && given !== null ? Object.entries(given) : [];
  if (entries.length > LABELS_MAX)
    throw new Error(`metrics: a metric has at most ${LABELS_MAX} labels`);
  for (const [name, value] of entries)
    if (!NAME.test(name) || typeof value !== "string" || value.length > LABEL_CHARACTERS_MAX)
      throw new Error(
        `metrics: found the label ${shown(name)}: ${shown(value)}, expected a name and a text of at most ${LABEL_CHARACTERS_MAX} characters`,
      );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, (value as string).replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ")]),
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
