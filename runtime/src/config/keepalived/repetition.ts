/** `~SEQ(var, start, step, end) text` and `~LST({a, b}, {1, 2}, {3, 4}) text`: the text once for each value. */
import type { Definitions } from "./definitions.ts";
import type { Report } from "./keyword.ts";
import type { Line } from "./line.ts";
import { placeIn, slice } from "./line.ts";

export interface Repetition {
  /** How many characters of the line belong to it; the text follows. */
  readonly length: number;
  readonly count: number;
  /** The definitions of one repetition, counted from 0. */
  values(index: number): readonly (readonly [name: string, value: string])[];
}

/** @returns undefined when it is malformed, which is reported. */
export function parseRepetition(
  line: Line,
  definitions: Definitions,
  report: Report,
): Repetition | undefined {
  const wrong = (expected: string): undefined => {
    report.error(
      placeIn(line, 0),
      "keepalived.repetition",
      `found ${JSON.stringify(line.text.slice(0, 60))}, expected ${expected}`,
    );
    return undefined;
  };
  const list = /^~LST[ \t]*\(/.exec(line.text);
  if (list !== null)
    return (
      parseList(line.text, list[0].length) ??
      wrong("~LST(NAME, VALUE, ...) or ~LST({NAME, NAME}, {VALUE, VALUE}, ...)")
    );
  const head = /^~SEQ(x?)[ \t]*\([ \t]*([^ \t,(){}]+)[ \t]*,([^)]*)\)/.exec(line.text);
  const expected = "~SEQ(NAME, START, STEP, END), ~SEQ(NAME, START, END) or ~SEQ(NAME, END)";
  if (head === null) return wrong(expected);
  const [whole, hex = "", name = "", range = ""] = head;
  const numbers = definitions
    .expand({ ...slice(line, 0, 0), text: range, columns: 0 })
    .line.text.split(",")
    .map((text) =>
      /^[ \t]*[+-]?(?:0[xX][0-9a-fA-F]+|\d+)[ \t]*$/.test(text) ? integer(text.trim()) : Number.NaN,
    );
  const sequence = sequenceOf(numbers);
  if (sequence === undefined) return wrong(`${expected}, with a STEP that leads from START to END`);
  if (hex !== "" && (sequence.start < 0 || sequence.end < 0))
    return wrong("no negative numbers in ~SEQx");
  const { start, step, end } = sequence;
  return {
    length: whole.length,
    count: Math.floor((end - start) / step) + 1,
    values: (index) => [[name, (start + index * step).toString(hex === "" ? 10 : 16)]],
  };
}

function sequenceOf(
  numbers: readonly number[],
): { readonly start: number; readonly step: number; readonly end: number } | undefined {
  const [first = Number.NaN, second, third] = numbers;
  if (numbers.length > 3 || numbers.some(Number.isNaN)) return undefined;
  if (second === undefined)
    return { start: first < 0 ? -1 : 1, step: first < 1 ? -1 : 1, end: first };
  if (third === undefined) return { start: first, step: first <= second ? 1 : -1, end: second };
  const leads = second !== 0 && (first === third || first < third === second > 0);
  return leads ? { start: first, step: second, end: third } : undefined;
}

/** As strtol(3) with base 0. */
function integer(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[+-]/, "");
  const base = /^0x/i.test(digits) ? 16 : digits.startsWith("0") ? 8 : 10;
  return sign * Number.parseInt(digits.replace(/^0x/i, ""), base);
}

function parseList(text: string, start: number): Repetition | undefined {
  const sets: string[][] = [];
  let index = start;
  const rest = (): string => text.slice(index);
  for (;;) {
    const group =
      /^[ \t]*\{([^{}()]*)\}[ \t]*/.exec(rest()) ?? /^[ \t]*([^ \t,(){}]*)[ \t]*/.exec(rest());
    if (group === null) return undefined;
    sets.push((group[1] ?? "").split(",").map((word) => word.trim()));
    index += group[0].length;
    const separator = text[index++];
    if (separator === ")") break;
    if (separator !== ",") return undefined;
  }
  const [names = [], ...values] = sets;
  if (values.length === 0 || names.includes("") || values.some((set) => set.length > names.length))
    return undefined;
  return {
    length: index,
    count: values.length,
    values: (at) => names.map((name, position) => [name, values[at]?.[position] ?? ""]),
  };
}
