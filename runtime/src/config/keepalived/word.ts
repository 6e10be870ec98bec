/** Words of a line: what blanks separate, and what quotes hold together. */
import type { Line, Place } from "./line.ts";
import { placeIn } from "./line.ts";

export interface Word {
  readonly text: string;
  readonly line: Line;
  /** Where it begins in the line's text. */
  readonly index: number;
}

/** What reading words complains of; `index` is a place in the line. */
export type WordComplaint = (index: number, message: string) => void;

export function placeOf(word: Word): Place {
  return placeIn(word.line, word.index);
}

/** The words of a line; double quotes keep blanks and are taken away. A missing one ends at the line's end. */
export function wordsOf(line: Line): Word[] {
  const words: Word[] = [];
  const pattern = /"([^"]*)(?:"|$)|[^\s"]+/g;
  for (let match = pattern.exec(line.text); match !== null; match = pattern.exec(line.text)) {
    const quoted = match[1];
    words.push({
      text: quoted ?? match[0],
      line,
      index: match.index + (quoted === undefined || quoted === "" ? 0 : 1),
    });
  }
  return words;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  E: "\u001B",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{1,2})|c(.)|([0-7]{1,3})|(.))/suy;

/**
 * The words of a text in which both kinds of quotes and backslashes count, as in the command of a script.
 *
 * @param escapes whether a backslash is taken away; otherwise it stays, and only keeps the next character from meaning anything.
 * @returns undefined when a quote or an escape is not finished, which is complained of.
 */
export function quotedWordsOf(
  text: string,
  escapes: boolean,
  complain: WordComplaint,
): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let opened = 0;
  let index = 0;
  while (index < text.length) {
    const character = text[index] ?? "";
    if (character === "\\") {
      ESCAPE.lastIndex = index;
      const match = ESCAPE.exec(text);
      if (match === null) {
        complain(index, "found a backslash at the end, expected a character after it");
        return undefined;
      }
      word = (word ?? "") + (escapes ? unescape(match) : match[0]);
      index += match[0].length;
      continue;
    }
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      opened = index;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
    index++;
  }
  if (quote !== undefined) {
    complain(opened, `found ${quote} without another one that ends it`);
    return undefined;
  }
  if (word !== undefined) words.push(word);
  return words;
}

function unescape([, hex, control, octal, plain = ""]: RegExpExecArray): string {
  if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
  if (control !== undefined) return String.fromCodePoint((control.codePointAt(0) ?? 0) & 0x1f);
  if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8) & 0xff);
  return ESCAPES[plain] ?? plain;
}
