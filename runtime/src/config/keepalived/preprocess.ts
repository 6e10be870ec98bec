/**
 * The lines of a configuration as they count: `@condition`s decided, `$NAME=` taken in, `$NAME` replaced, `~SEQ` and
 * `~LST` repeated, includes followed.
 */
import type { HostFacts } from "./host.ts";
import { createDefinitions } from "./definitions.ts";
import type { Report } from "./keyword.ts";
import type { Line } from "./line.ts";
import { placeIn, slice, trim } from "./line.ts";
import type { Repetition } from "./repetition.ts";
import { parseRepetition } from "./repetition.ts";
import { openSource, withoutComment } from "./source.ts";

/** Repetitions and definitions may multiply; a configuration does not need more lines out of them than this. */
const LINES_MAX = 100_000;
/** Definitions that contain each other. */
const EXPANSIONS_MAX = 100;

export interface PreprocessOptions {
  readonly host: HostFacts;
  /** What `@NAME` at the beginning of a line is compared with. */
  readonly configurationId: string;
  readonly report: Report;
  /** Gets what stands behind each `#` and `!`. */
  readonly onComment?: (comment: Line) => void;
}

/** What still has to be read before the next line of the files; the last one first. */
type Pending =
  | { readonly type: "line"; readonly line: Line }
  | {
      readonly type: "repetition";
      readonly repetition: Repetition;
      readonly index: number;
      readonly text: Line;
    };

/** @throws nothing: what is wrong is reported. */
export function* preprocess(
  file: string,
  { host, configurationId, report, onComment }: PreprocessOptions,
): Generator<Line, void> {
  const source = openSource(file, host, report, onComment);
  const definitions = createDefinitions(
    { environment: host.environment, directory: source.directory },
    report,
  );
  const pending: Pending[] = [];
  let count = 0;

  for (;;) {
    const entry = pending.pop();
    let line = entry === undefined ? source.next() : undefined;
    if (entry?.type === "line") line = entry.line;
    if (entry?.type === "repetition") {
      const { repetition, index, text } = entry;
      for (const [name, value] of repetition.values(index)) definitions.set(name, [value]);
      if (index + 1 < repetition.count) pending.push({ ...entry, index: index + 1 });
      line = text;
    }
    if (line === undefined) return;
    if (entry === undefined && line.text === "") continue;
    if (entry !== undefined && ++count > LINES_MAX) {
      report.refusal(
        placeIn(line, 0),
        "keepalived.size",
        `found more than ${LINES_MAX} lines made by ~SEQ, ~LST and definitions; nothing after this one is read`,
      );
      return;
    }
    const ready = line.text === "" ? undefined : prepare(line);
    if (ready !== undefined) yield ready;
  }

  /** The line as it counts; undefined when it was for this room only. */
  function prepare(whole: Line): Line | undefined {
    let line = whole;
    for (let round = 0; round < EXPANSIONS_MAX; round++) {
      const kept = conditional(line);
      if (kept === undefined || define(kept) || repeat(kept)) return undefined;
      if (!kept.text.includes("$")) return finish(kept);
      const expanded = definitions.expand(kept);
      if (!expanded.changed) return finish(kept);
      for (const text of expanded.more.toReversed())
        pending.push({
          type: "line",
          line: {
            ...kept,
            text,
            columns: Array.from({ length: text.length }, () => columnOf(kept)),
          },
        });
      line = withoutComment(expanded.line, report);
      if (line.text === "") return undefined;
    }
    report.error(
      placeIn(line, 0),
      "keepalived.definition",
      `putting in definitions does not come to an end; after ${EXPANSIONS_MAX} times this line is left as it is`,
    );
    return finish(line);
  }

  function conditional(line: Line): Line | undefined {
    const match = /^@(\^?)(\S*)(?:[ \t]+|$)/.exec(line.text);
    if (match === null) return line;
    const [prefix, not, id] = match;
    if (prefix.length === line.text.length) return undefined;
    return (id === configurationId) === (not === "") ? slice(line, prefix.length) : undefined;
  }

  function define(line: Line): boolean {
    const match = /^\$([A-Za-z_]\w*)=[ \t]*(.*)$/.exec(line.text);
    if (match === null) return false;
    const [, name = "", value = ""] = match;
    const body = [value];
    let last = value;
    while (last.endsWith("\\")) {
      const next = nextOfDefinition();
      if (next === undefined) break;
      last = next.text;
      body.push(last);
    }
    const several = body.length > 1 || value.endsWith("\\");
    const cleaned = body.map((text) => text.replace(/[ \t]*\\$/, ""));
    definitions.set(name, several ? cleaned.filter((text) => text !== "") : cleaned);
    return true;
  }

  function nextOfDefinition(): Line | undefined {
    const entry = pending.at(-1);
    if (entry === undefined) return source.next();
    if (entry.type === "repetition") return undefined;
    pending.pop();
    return entry.line;
  }

  function repeat(line: Line): boolean {
    if (!/^~(?:SEQ|LST)/.test(line.text)) return false;
    const repetition = parseRepetition(line, definitions, report);
    if (repetition === undefined) return true;
    const text = trim(slice(line, repetition.length));
    pending.push({ type: "repetition", repetition, index: 0, text });
    return true;
  }

  function finish(line: Line): Line | undefined {
    if (line.text.startsWith("include_check")) source.setCheck(line.text.split(/[ \t]+/).slice(1));
    if (source.include(line)) return undefined;
    return joined(line);
  }

  /** A backslash at the end of a line that is no definition: the next line goes on with it. */
  function joined(line: Line): Line {
    if (!/(?:^|[^\\])\\$/.test(line.text)) return line;
    report.warning(
      placeIn(line, line.text.length - 1),
      "keepalived.continued",
      "found a backslash at the end of a line that is no definition: karuntime goes on with the next line, keepalived takes it for a word",
    );
    const next = pending.length === 0 ? source.next() : undefined;
    const start = slice(line, 0, line.text.length - 1);
    if (next === undefined || next.text === "") return trim(start);
    const columns = [
      ...Array.from({ length: start.text.length + 1 }, (_, index) =>
        typeof start.columns === "number" ? start.columns + index : (start.columns[index] ?? 0),
      ),
      ...Array.from({ length: next.text.length }, () => line.text.length - 1),
    ];
    return joined({ ...start, text: `${start.text} ${next.text}`, columns });
  }
}

function columnOf({ columns }: Line): number {
  return typeof columns === "number" ? columns : (columns[0] ?? 0);
}
