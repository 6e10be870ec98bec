/**
 * What keywords there are and what follows each. A grammar is a table from keyword to `Keyword`; `readBlock` reads
 * statements by it and says everything that is wrong with them.
 *
 *     const grammar = { priority: integer(1, 255), nopreempt: flag(), track_script: lines() };
 *     const block = readBlock(grammar, statements, report);
 *     block.priority?.at(-1)?.value
 */
import { nearest } from "../diagnostic.ts";
import type { Place } from "./line.ts";
import { placeIn } from "./line.ts";
import type { Word } from "./word.ts";
import { placeOf } from "./word.ts";

/** A keyword, what follows it on its line, and the statements in its braces. */
export interface Statement {
  readonly keyword: Word;
  /** The words after the keyword. */
  readonly parameters: readonly Word[];
  /** What stands between the braces; undefined where there are none. */
  readonly statements: readonly Statement[] | undefined;
}

/**
 * Takes what is wrong. An `error` is of the kind after which keepalived goes on, without what it cannot use or with a
 * default; reading leniently makes it a warning. A `refusal` stays an error: going on would do harm.
 */
export interface Report {
  error(at: Word | Statement | Place, code: string, message: string, hint?: string): void;
  refusal(at: Word | Statement | Place, code: string, message: string, hint?: string): void;
  warning(at: Word | Statement | Place, code: string, message: string, hint?: string): void;
  /** The blocks in which a keyword is known, for the hint where one stands in the wrong place. */
  homesOf?(keyword: string): readonly string[];
}

export interface Keyword<T> {
  /** `block`: statements of a grammar in braces. `lines`: lines of any words in braces. */
  readonly body: "none" | "block" | "lines";
  /** Whether the braces may be absent. */
  readonly bodyOptional?: boolean;
  readonly grammar?: Grammar;
  /** Whether it may stand several times. */
  readonly repeats: boolean;
  /** Undefined where there is no usable value; that is reported. */
  read(statement: Statement, report: Report): T | undefined;
}

export type Grammar = Readonly<Record<string, Keyword<unknown>>>;

/** A value and where it stands. */
export interface Found<T> {
  readonly value: T;
  readonly statement: Statement;
}

export type Block<G extends Grammar> = {
  readonly [K in keyof G]?: readonly Found<G[K] extends Keyword<infer T> ? T : never>[];
};

/** A block with a name or other words before its brace. */
export interface Section<G extends Grammar> {
  readonly parameters: readonly Word[];
  readonly block: Block<G>;
}

/** The place of a word, of a statement's keyword, or the place itself. */
export function placeFor(at: Word | Statement | Place): Place {
  if ("keyword" in at) return placeOf(at.keyword);
  return "index" in at ? placeOf(at) : at;
}

/** Just behind the last word of a statement: where something is missing. */
export function endOf({ keyword, parameters }: Statement): Place {
  const last = parameters.at(-1) ?? keyword;
  return placeIn(last.line, Math.min(last.line.text.length, last.index + last.text.length));
}

/** Reads statements by a grammar. What is unknown is reported and left out. */
export function readBlock<const G extends Grammar>(
  grammar: G,
  statements: readonly Statement[],
  report: Report,
): Block<G> {
  const found: Record<string, Found<unknown>[]> = {};
  for (const statement of statements) {
    const { text } = statement.keyword;
    const keyword = Object.hasOwn(grammar, text) ? grammar[text] : undefined;
    if (keyword === undefined) {
      reportUnknown(statement, grammar, report);
      continue;
    }
    const entries = (found[text] ??= []);
    const [before] = entries;
    const value = keyword.read(statement, report);
    if (before !== undefined && !keyword.repeats)
      report.warning(
        statement,
        "keepalived.repeated",
        `${text} is given again (first at line ${placeFor(before.statement).line}); the last one counts`,
      );
    if (value !== undefined) entries.push({ value, statement });
  }
  return found as Block<G>;
}

function reportUnknown(statement: Statement, grammar: Grammar, report: Report): void {
  const { text } = statement.keyword;
  const homes = report.homesOf?.(text) ?? [];
  const meant = nearest(text, Object.keys(grammar));
  const block = statement.statements === undefined ? "" : " and its block";
  const here =
    homes.length > 0 ? "found a keyword that is not known here:" : "found the unknown keyword";
  report.error(
    statement,
    "keepalived.unknown-keyword",
    `${here} ${JSON.stringify(text)}`,
    homes.length > 0
      ? `it belongs ${homes.join(" or ")}`
      : meant === undefined
        ? `keepalived skips it${block}; take it out if it is not needed`
        : `did you mean ${JSON.stringify(meant)}?`,
  );
}

/** A keyword without parameters. */
export function flag(): Keyword<true> {
  return simple((statement, report) => {
    tooMany(statement, 0, report);
    return true;
  });
}

/** `on`, `true`, `yes`, `off`, `false`, `no`; alone it means on. */
export function boolean(): Keyword<boolean> {
  return simple((statement, report) => {
    const [word] = statement.parameters;
    tooMany(statement, 1, report);
    if (word === undefined || ["on", "true", "yes"].includes(word.text)) return true;
    if (["off", "false", "no"].includes(word.text)) return false;
    report.error(
      word,
      "keepalived.value",
      `found ${JSON.stringify(word.text)}, expected on, true, yes, off, false or no, in lower case`,
    );
    return undefined;
  });
}

/** A whole number. @param alone its value where the keyword stands alone; without it, it must not. */
export function integer(minimum: number, maximum: number, alone?: number): Keyword<number> {
  return simple((statement, report) => {
    const [word] = statement.parameters;
    tooMany(statement, 1, report);
    if (word === undefined && alone !== undefined) return alone;
    const parameter = required(statement, 0, `a number, ${minimum} to ${maximum}`, report);
    return parameter === undefined ? undefined : integerOf(parameter, minimum, maximum, report);
  });
}

/** The whole number that a word says, or undefined, reported. */
export function integerOf(
  word: Word,
  minimum: number,
  maximum: number,
  report: Report,
): number | undefined {
  const number = /^\s*[+-]?\d+$/.test(word.text) ? Number(word.text) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  report.error(
    word,
    "keepalived.value",
    `found ${JSON.stringify(word.text)}, expected a whole number, ${minimum} to ${maximum}`,
  );
  return undefined;
}

/** A time in seconds with up to six decimals, as milliseconds. The bounds are seconds. */
export function seconds(minimum: number, maximum: number): Keyword<number> {
  return simple((statement, report) => {
    tooMany(statement, 1, report);
    const word = required(statement, 0, `a time in seconds, ${minimum} to ${maximum}`, report);
    return word === undefined ? undefined : secondsOf(word, minimum, maximum, report);
  });
}

/** The milliseconds that a word says in seconds, or undefined, reported. */
export function secondsOf(
  word: Word,
  minimum: number,
  maximum: number,
  report: Report,
): number | undefined {
  const number =
    /^\d*\.?\d*$/.test(word.text) && /\d/.test(word.text) ? Number(word.text) : Number.NaN;
  if (number >= minimum && number <= maximum) {
    if (/\.\d{7}/.test(word.text))
      report.error(word, "keepalived.value", `found ${word.text}, expected at most six decimals`);
    return Math.round(number * 1_000_000) / 1000;
  }
  report.error(
    word,
    "keepalived.value",
    `found ${JSON.stringify(word.text)}, expected a time in seconds, ${minimum} to ${maximum}`,
  );
  return undefined;
}

/** One word. @param expected what it is, for the message when it is missing. */
export function text(expected: string): Keyword<Word> {
  return simple((statement, report) => {
    tooMany(statement, 1, report);
    return required(statement, 0, expected, report);
  });
}

/** One of several words, in this spelling. */
export function oneOf<const T extends string>(allowed: readonly T[]): Keyword<T> {
  return simple((statement, report) => {
    tooMany(statement, 1, report);
    const word = required(statement, 0, allowed.join(" or "), report);
    if (word === undefined) return undefined;
    const value = allowed.find((candidate) => candidate === word.text);
    if (value === undefined)
      report.error(
        word,
        "keepalived.value",
        `found ${JSON.stringify(word.text)}, expected ${allowed.join(" or ")}`,
      );
    return value;
  });
}

/** Any words, at least `minimum` of them. */
export function words(expected: string, minimum = 1): Keyword<readonly Word[]> {
  return simple((statement, report) =>
    minimum > 0 && required(statement, minimum - 1, expected, report) === undefined
      ? undefined
      : statement.parameters,
  );
}

/** A keyword with a reader of its own. */
export function custom<T>(
  read: (statement: Statement, report: Report) => T | undefined,
): Keyword<T> {
  return simple(read);
}

/** Lines of any words in braces; the words on the keyword's own line, if any, are reported. */
export function lines(): Keyword<readonly Statement[]> {
  return {
    body: "lines",
    repeats: false,
    read(statement, report) {
      tooMany(statement, 0, report);
      return statement.statements ?? [];
    },
  };
}

/** Statements of a grammar in braces. @param parameters how many words stand before the brace: at least, at most. */
export function block<const G extends Grammar>(
  grammar: G,
  parameters: { readonly expected: string; readonly minimum: number; readonly maximum: number } = {
    expected: "",
    minimum: 0,
    maximum: 0,
  },
): Keyword<Section<G>> {
  return {
    body: "block",
    grammar,
    repeats: false,
    read(statement, report) {
      const { expected, minimum, maximum } = parameters;
      tooMany(statement, maximum, report);
      // What is inside is read in any case, so that everything wrong with it is said.
      const inside = readBlock(grammar, statement.statements ?? [], report);
      if (minimum > 0 && required(statement, minimum - 1, expected, report) === undefined)
        return undefined;
      return { parameters: statement.parameters, block: inside };
    },
  };
}

/** The same keyword, but it may stand several times. */
export function many<T>(keyword: Keyword<T>): Keyword<T> {
  return { ...keyword, repeats: true };
}

/** A keyword that means nothing here. @param reason why, as the end of a sentence. */
export function ignored(reason: string, body: Keyword<never>["body"] = "none"): Keyword<never> {
  return {
    body,
    repeats: true,
    read(statement, report) {
      report.warning(
        statement,
        "keepalived.no-effect",
        `${statement.keyword.text} has no effect here: ${reason}`,
      );
      return undefined;
    },
  };
}

/** A keyword that keepalived itself has given up, or never had. */
export function obsolete(reason: string, body: Keyword<never>["body"] = "none"): Keyword<never> {
  return {
    body,
    repeats: true,
    read(statement, report) {
      report.warning(statement, "keepalived.obsolete", `${statement.keyword.text}: ${reason}`);
      return undefined;
    },
  };
}

/** A keyword whose absence changes what the configuration does, so that going on without it must be asked for. */
export function unsupported(reason: string, body: Keyword<never>["body"] = "none"): Keyword<never> {
  return {
    body,
    repeats: true,
    read(statement, report) {
      report.error(
        statement,
        "keepalived.unsupported",
        `${statement.keyword.text} is not supported: ${reason}`,
      );
      return undefined;
    },
  };
}

/** The last value of a keyword: the one that counts. */
export function last<T>(entries: readonly Found<T>[] | undefined): T | undefined {
  return entries?.at(-1)?.value;
}

/** The parameter at `index`, or undefined, reported. */
export function required(
  statement: Statement,
  index: number,
  expected: string,
  report: Report,
): Word | undefined {
  const word = statement.parameters[index];
  if (word === undefined)
    report.error(
      endOf(statement),
      "keepalived.missing-parameter",
      `${statement.keyword.text}: found nothing, expected ${expected}`,
    );
  return word;
}

function tooMany(statement: Statement, most: number, report: Report): void {
  const extra = statement.parameters[most];
  if (extra !== undefined)
    report.warning(
      extra,
      "keepalived.extra-words",
      `found ${JSON.stringify(extra.text)}, which ${statement.keyword.text} does not take; it is left out`,
    );
}

function simple<T>(read: Keyword<T>["read"]): Keyword<T> {
  return { body: "none", repeats: false, read };
}
