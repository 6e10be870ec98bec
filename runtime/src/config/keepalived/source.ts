/**
 * From files to lines without comments: what `#` and `!` begin is taken away, `include` brings in other files. Whatever
 * the files hold, this ends: sizes, numbers and depths are bounded.
 */
import { dirname } from "node:path";
import type { HostFacts } from "./host.ts";
import type { Report } from "./keyword.ts";
import type { Line } from "./line.ts";
import { placeIn, replace, slice, trim } from "./line.ts";

/** keepalived reads no longer line. */
const KEEPALIVED_LINE_MAX = 1023;
const LINE_CHARACTERS_MAX = 1024 * 1024;
const FILES_MAX = 10_000;
const DEPTH_MAX = 50;

/** What must be true of an include, from nothing (`include`) to everything (`includea`). */
interface IncludeCheck {
  readonly readable: boolean;
  readonly match: boolean;
  readonly wildcard: boolean;
  readonly brace: boolean;
}

const NO_CHECK: IncludeCheck = { readable: false, match: false, wildcard: false, brace: false };
const CHECKS: Readonly<Record<string, IncludeCheck>> = {
  "": NO_CHECK,
  r: { ...NO_CHECK, readable: true },
  m: { ...NO_CHECK, readable: true, match: true },
  w: { ...NO_CHECK, readable: true, match: true, wildcard: true },
  b: { ...NO_CHECK, readable: true, brace: true },
  a: { readable: true, match: true, wildcard: true, brace: true },
};
const INCLUDE = /^include([rmwba]?)[ \t]+(.*)$/;

/** Where reading is: the open files from the first one to the one that is read now. */
export interface Source {
  /** The next line without its comment, perhaps empty; undefined at the end. A backslash at its end stays. */
  next(): Line | undefined;
  /** Goes on with the files that an include names, if the line is one. */
  include(line: Line): boolean;
  /** What `include_check` demands from now on. */
  setCheck(words: readonly string[]): void;
  readonly directory: () => string;
}

interface OpenFile {
  readonly file: string;
  /** Undefined until its turn comes. */
  lines: readonly string[] | undefined;
  next: number;
  /** Says that it cannot be read. */
  readonly complain: (message: string) => void;
}

/** @throws nothing: what cannot be read is reported. */
export function openSource(
  file: string,
  host: HostFacts,
  report: Report,
  onComment?: (comment: Line) => void,
): Source {
  let files = 0;
  let demanded: IncludeCheck = NO_CHECK;
  const stack: OpenFile[] = [
    {
      file,
      lines: undefined,
      next: 0,
      complain: (message) =>
        report.refusal({ file, line: 1, column: 1, lineText: "" }, "keepalived.file", message),
    },
  ];

  function load(entry: OpenFile): readonly string[] {
    const found = host.readFile(entry.file);
    files++;
    if (!found.ok) entry.complain(`cannot read ${entry.file}: ${found.reason}`);
    else if (found.executable && entry.file !== file)
      entry.complain(`${entry.file} is left out: it is executable, which a configuration is not`);
    else {
      const marked = found.text.startsWith("\uFEFF");
      const lines = (marked ? found.text.slice(1) : found.text).split("\n");
      if (marked)
        report.warning(
          { file: entry.file, line: 1, column: 1, lineText: lines[0] ?? "" },
          "keepalived.byte-order-mark",
          "found a byte order mark before the first line; keepalived takes it for a part of the first word",
        );
      return lines;
    }
    return [];
  }

  function physicalLine(): Line | undefined {
    for (;;) {
      const top = stack.at(-1);
      if (top === undefined) return undefined;
      top.lines ??= load(top);
      const written = top.lines[top.next++];
      if (written === undefined) {
        stack.pop();
        continue;
      }
      const text = written.replace(/\r+$/, "");
      const line: Line = { text, file: top.file, number: top.next, written: text, columns: 0 };
      if (usable(line)) return line;
    }
  }

  function usable(line: Line): boolean {
    if (line.text.length > LINE_CHARACTERS_MAX) {
      const written = line.text.slice(0, 60);
      report.error(
        placeIn({ ...line, written }, 0),
        "keepalived.line",
        `found a line of ${line.text.length} characters, expected at most ${LINE_CHARACTERS_MAX}; it is left out`,
      );
      return false;
    }
    const nul = line.text.indexOf("\0");
    if (nul >= 0)
      report.error(
        placeIn(line, nul),
        "keepalived.line",
        "found a NUL character; keepalived leaves such a line out, and so does karuntime",
      );
    else if (Buffer.byteLength(line.text) > KEEPALIVED_LINE_MAX)
      report.warning(
        placeIn(line, KEEPALIVED_LINE_MAX),
        "keepalived.line",
        `found a line of more than ${KEEPALIVED_LINE_MAX} bytes; keepalived leaves it out, karuntime reads it`,
      );
    return nul < 0;
  }

  function include(line: Line): boolean {
    const match = INCLUDE.exec(line.text);
    if (match === null) return false;
    const [, letter = "", pattern = ""] = match;
    const own = CHECKS[letter] ?? NO_CHECK;
    const check: IncludeCheck = {
      readable: own.readable || demanded.readable,
      match: own.match || demanded.match,
      wildcard: own.wildcard || demanded.wildcard,
      brace: own.brace || demanded.brace,
    };
    const at = placeIn(line, line.text.length - pattern.length);
    const say = (strict: boolean, message: string): void =>
      report[strict ? "error" : "warning"](at, "keepalived.include", message);
    const started = stack.filter((entry) => entry.lines !== undefined);
    if (started.length >= DEPTH_MAX || files >= FILES_MAX) {
      report.error(
        at,
        "keepalived.include",
        `found an include too many: at most ${DEPTH_MAX} deep and ${FILES_MAX} files; is this a loop?`,
      );
      return true;
    }
    const paths = host.glob(pattern, directory());
    if (paths.length === 0) {
      const wild = /[*?[]/.test(pattern);
      const braces = pattern.includes("{");
      say(
        wild ? check.wildcard : braces ? check.brace : check.match,
        `found no file ${wild || braces ? "that matches" : "named"} ${pattern}`,
      );
    }
    // The last one is pushed first: the first one is read first.
    for (const path of paths.toReversed()) {
      if (started.some((entry) => entry.file === path))
        report.error(at, "keepalived.include", `${path} includes itself; it is not read again`);
      else
        stack.push({
          file: path,
          lines: undefined,
          next: 0,
          complain: (message) => say(check.readable, message),
        });
    }
    return true;
  }

  function directory(): string {
    return dirname(stack.at(-1)?.file ?? file);
  }

  return {
    next() {
      const line = physicalLine();
      return line === undefined ? undefined : withoutComment(line, report, onComment);
    },
    include,
    setCheck(words) {
      let now = { ...(words.some((word) => /^[+-]/.test(word)) ? demanded : NO_CHECK) };
      for (const word of words) {
        const on = !word.startsWith("-");
        const name = word.replace(/^[+-]/, "");
        if (name === "readable") now = { ...now, readable: on };
        if (name === "match") now = { ...now, match: on };
        if (name === "wildcard_match") now = { ...now, wildcard: on };
        if (name === "brace_match") now = { ...now, brace: on };
      }
      demanded = now;
    },
    directory,
  };
}

/** The line without its comment and the blanks around it. `\#` and `\!` outside double quotes are the characters themselves. */
export function withoutComment(
  whole: Line,
  report: Report,
  onComment?: (comment: Line) => void,
): Line {
  let line = trim(whole);
  if (!/[!#"\\]/.test(line.text)) return line;
  let quoted = false;
  let opened = 0;
  for (let index = 0; index < line.text.length; index++) {
    const character = line.text[index];
    if (character === '"') {
      quoted = !quoted;
      opened = index;
    } else if (character === "\\") {
      const next = line.text[index + 1];
      if (!quoted && (next === "#" || next === "!")) line = replace(line, index, index + 1, "");
      else index++;
    } else if (!quoted && (character === "#" || character === "!")) {
      onComment?.(slice(line, index + 1));
      line = slice(line, 0, index);
      break;
    }
  }
  if (quoted)
    report.error(
      placeIn(line, opened),
      "keepalived.quote",
      'found " without another one that ends it on this line',
    );
  return trim(line);
}
