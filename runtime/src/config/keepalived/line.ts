/** A line of a configuration, and where each of its characters was written. */

/** A place in a file, for people and editors. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** The whole line as it was written. */
  readonly lineText: string;
}

/** Text that is read, whatever was left out of it or put into it. */
export interface Line {
  readonly text: string;
  readonly file: string;
  /** 1-based. */
  readonly number: number;
  /** The line as it was written. */
  readonly written: string;
  /** For each character of `text` its 0-based column; a number alone: the column of the first, the others follow it. */
  readonly columns: number | readonly number[];
}

/** The place of the character at `index`. */
export function placeIn({ file, number, written, columns }: Line, index: number): Place {
  const column =
    typeof columns === "number" ? columns + index : (columns[index] ?? columns.at(-1) ?? 0);
  return { file, line: number, column: column + 1, lineText: written };
}

/** The part of a line from `start` up to but not including `end`. */
export function slice(line: Line, start: number, end: number = line.text.length): Line {
  return {
    ...line,
    text: line.text.slice(start, end),
    columns:
      typeof line.columns === "number" ? line.columns + start : line.columns.slice(start, end),
  };
}

/** The line without blanks at its ends. */
export function trim(line: Line): Line {
  const start = line.text.search(/[^ \t]/);
  if (start < 0) return slice(line, 0, 0);
  const end = line.text.search(/[ \t]+$/);
  return slice(line, start, end < 0 ? line.text.length : end);
}

/** The line with the characters from `start` to `end` replaced; what is new has the place of the first that went. */
export function replace(line: Line, start: number, end: number, replacement: string): Line {
  const before = columnsOf(slice(line, 0, start));
  const after = columnsOf(slice(line, end));
  const at = columnsOf(line)[start] ?? before.at(-1) ?? 0;
  return {
    ...line,
    text: line.text.slice(0, start) + replacement + line.text.slice(end),
    columns: [...before, ...Array.from({ length: replacement.length }, () => at), ...after],
  };
}

function columnsOf({ columns, text }: Line): readonly number[] {
  return typeof columns === "number"
    ? Array.from({ length: text.length }, (_, index) => columns + index)
    : columns;
}
