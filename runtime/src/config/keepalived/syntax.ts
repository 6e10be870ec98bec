/**
 * From lines to statements. Braces stand where keepalived takes them: on the keyword's line, on one of their own, with
 * values beside them. Where one is missing, the grammar and the indentation say where it was probably meant.
 */
import type { Grammar, Keyword, Report, Statement } from "./keyword.ts";
import { endOf } from "./keyword.ts";
import type { Line } from "./line.ts";
import { placeIn, slice } from "./line.ts";
import type { Word } from "./word.ts";
import { placeOf, wordsOf } from "./word.ts";

const DEPTH_MAX = 100;

/** A piece of a line: words, or one brace. */
type Piece =
  | { readonly type: "words"; readonly line: Line }
  | { readonly type: "open" | "close"; readonly line: Line };

interface OpenStatement extends Statement {
  statements: OpenStatement[] | undefined;
}

/** A block that is being read. */
interface Frame {
  /** Undefined for the file itself. */
  readonly opener: OpenStatement | undefined;
  readonly statements: OpenStatement[];
  readonly body: Keyword<unknown>["body"];
  /** Undefined where any words may stand. */
  readonly grammar: Grammar | undefined;
}

/** Builds the statements of a file. What is wrong with its braces is reported and mended. */
export function parseStatements(
  lines: Iterable<Line>,
  grammar: Grammar,
  report: Report,
): readonly Statement[] {
  const pieces: Piece[] = [];
  for (const line of lines) splitAtBraces(line, pieces);
  const root: Frame = { opener: undefined, statements: [], body: "block", grammar };
  const frames: Frame[] = [root];
  /** More opening than closing braces: so many are missing somewhere. */
  let missing = 0;
  for (const { type } of pieces) missing += type === "open" ? 1 : type === "close" ? -1 : 0;
  /** A block's keyword whose brace has not come yet. */
  let awaiting:
    | { readonly statement: OpenStatement; readonly keyword: Keyword<unknown> }
    | undefined;

  const top = (): Frame => frames.at(-1) ?? root;
  const knows = (frame: Frame, word: string): Keyword<unknown> | undefined =>
    frame.grammar !== undefined && Object.hasOwn(frame.grammar, word)
      ? frame.grammar[word]
      : undefined;

  function open(opener: OpenStatement, keyword: Keyword<unknown> | undefined): void {
    opener.statements ??= [];
    frames.push({
      opener,
      statements: opener.statements,
      body: keyword?.body ?? "none",
      grammar: keyword?.grammar,
    });
    awaiting = undefined;
  }

  /** The brace that should have come did not. @param next what came instead. */
  function openLate(next: Word | undefined): void {
    if (awaiting === undefined) return;
    const { statement, keyword } = awaiting;
    awaiting = undefined;
    const belongsOutside = next === undefined || knows(top(), next.text) !== undefined;
    const inside =
      next !== undefined &&
      keyword.grammar !== undefined &&
      Object.hasOwn(keyword.grammar, next.text);
    report.error(
      endOf(statement),
      "keepalived.missing-brace",
      `found no "{" after ${statement.keyword.text}, expected one here`,
      belongsOutside && !inside ? undefined : "what follows up to the next } is taken as its block",
    );
    if (belongsOutside && !inside) return;
    missing++;
    open(statement, keyword);
  }

  /** Closes blocks that this statement cannot belong to, where a closing brace is missing. */
  function closeForgotten(word: Word, followedByBrace: boolean): void {
    while (missing > 0 && frames.length > 1 && knows(top(), word.text) === undefined) {
      const { opener, statements, body } = top();
      if (opener === undefined) return;
      const column = columnOf(word);
      const home = frames.findLastIndex((frame, index) => {
        const known = index < frames.length - 1 ? knows(frame, word.text) : undefined;
        return (
          known !== undefined && (body === "block" || (known.body !== "none" && followedByBrace))
        );
      });
      if (home < 0 || column > columnOf(opener.keyword)) return;
      reportUnclosed(opener, statements, `before ${word.text} in line ${placeOf(word).line}`);
      frames.pop();
      missing--;
    }
  }

  function reportUnclosed(
    opener: OpenStatement,
    statements: readonly OpenStatement[],
    before: string,
  ): void {
    const lastLine = lastLineOf(statements.at(-1) ?? opener);
    report.error(
      opener,
      "keepalived.missing-brace",
      `found no "}" for this ${opener.keyword.text} ${before}`,
      `it was probably meant after line ${lastLine}`,
    );
  }

  for (const [index, piece] of pieces.entries()) {
    if (piece.type === "words") {
      const [keyword, ...parameters] = wordsOf(piece.line);
      if (keyword === undefined) continue;
      openLate(keyword);
      closeForgotten(keyword, pieces[index + 1]?.type === "open");
      const statement: OpenStatement = { keyword, parameters, statements: undefined };
      const known = knows(top(), keyword.text);
      top().statements.push(statement);
      const optional = known?.bodyOptional === true && pieces[index + 1]?.type !== "open";
      if (known !== undefined && known.body !== "none" && !optional)
        awaiting = { statement, keyword: known };
    } else if (piece.type === "open") {
      const statement = awaiting?.statement ?? top().statements.at(-1);
      if (frames.length > DEPTH_MAX) {
        report.refusal(
          placeIn(piece.line, 0),
          "keepalived.size",
          `found blocks more than ${DEPTH_MAX} deep; nothing after this is read`,
        );
        return root.statements;
      }
      if (awaiting === undefined) {
        const known = statement === undefined ? undefined : knows(top(), statement.keyword.text);
        if (statement === undefined || known !== undefined || statement.statements !== undefined)
          report.error(
            placeIn(piece.line, 0),
            "keepalived.unexpected-brace",
            statement === undefined || statement.statements !== undefined
              ? 'found "{", expected a keyword before it'
              : `found "{" after ${statement.keyword.text}, which has no block`,
          );
      }
      open(
        statement !== undefined && statement.statements === undefined
          ? statement
          : { keyword: { text: "{", line: piece.line, index: 0 }, parameters: [], statements: [] },
        awaiting?.keyword,
      );
    } else {
      openLate(undefined);
      if (frames.length > 1) frames.pop();
      else {
        missing++;
        report.error(
          placeIn(piece.line, 0),
          "keepalived.unexpected-brace",
          'found "}" without a "{" that it could close',
          extraHint(root.statements.at(-1)),
        );
      }
    }
  }
  openLate(undefined);
  for (const { opener, statements } of frames.slice(1).toReversed())
    if (opener !== undefined) reportUnclosed(opener, statements, "up to the end of the file");
  return root.statements;
}

function extraHint(previous: Statement | undefined): string {
  return previous === undefined
    ? "take it out"
    : `take it out, or look for a { that is missing in the block that begins at line ${placeOf(previous.keyword).line}`;
}

function lastLineOf(statement: Statement): number {
  let last = statement;
  for (let inner = last.statements?.at(-1); inner !== undefined; inner = last.statements?.at(-1))
    last = inner;
  return endOf(last).line;
}

/** How far the word is indented. */
function columnOf(word: Word): number {
  return placeOf(word).column;
}

/** Braces outside double quotes part a line. */
function splitAtBraces(line: Line, pieces: Piece[]): void {
  if (!/[{}]/.test(line.text)) {
    pieces.push({ type: "words", line });
    return;
  }
  let start = 0;
  for (let index = 0; index < line.text.length; index++) {
    const character = line.text[index];
    if (character === '"') {
      const end = line.text.indexOf('"', index + 1);
      if (end < 0) break;
      index = end;
    } else if (character === "{" || character === "}") {
      if (line.text.slice(start, index).trim() !== "")
        pieces.push({ type: "words", line: slice(line, start, index) });
      pieces.push({
        type: character === "{" ? "open" : "close",
        line: slice(line, index, index + 1),
      });
      start = index + 1;
    }
  }
  if (line.text.slice(start).trim() !== "")
    pieces.push({ type: "words", line: slice(line, start) });
}
