/** The words of a value line, taken one after the other. */
import type { Report, Statement } from "./keyword.ts";
import type { Word } from "./word.ts";

/** The words of a line, one after the other. */
export interface Words {
  /** The next word. */
  next(): Word | undefined;
  /** The word that must follow; undefined when none does, which is reported. */
  parameter(of: Word, expected: string): Word | undefined;
}

export function wordsOfLine(statement: Statement, report: Report): Words {
  const words = [statement.keyword, ...statement.parameters];
  let index = 0;
  return {
    next: () => words[index++],
    parameter(of, expected) {
      const word = words[index++];
      if (word === undefined)
        report.error(
          of,
          "keepalived.missing-parameter",
          `${of.text}: found nothing, expected ${expected}`,
        );
      return word;
    },
  };
}
