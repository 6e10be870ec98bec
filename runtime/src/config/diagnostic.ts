/** What is wrong with a configuration, for people and (by --json) for editors. All of them in one pass. */

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable word for the kind, as in `config.schema`. */
  readonly code: string;
  /** What was found and what was expected. */
  readonly message: string;
  readonly file: string;
  /** Where in the value, as in `virtualRouters.VI_1.id`. */
  readonly path?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** The text of that line. */
  readonly lineText?: string;
  /** What to do. */
  readonly hint?: string;
}

/** One diagnostic as a person reads it: place, message, the line with a caret, hint. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, lineText } = diagnostic;
  const place =
    line === undefined ? file : `${file}:${line}${column === undefined ? "" : `:${column}`}`;
  const lines = [
    `${place}: ${diagnostic.severity}: ${path === undefined ? "" : `${path}: `}${diagnostic.message}`,
  ];
  if (lineText !== undefined && line !== undefined) {
    const margin = `${line} | `;
    lines.push(`  ${margin}${lineText}`);
    if (column !== undefined)
      lines.push(
        `  ${" ".repeat(margin.length)}${lineText.slice(0, column - 1).replace(/\S/g, " ")}^`,
      );
  }
  if (diagnostic.hint !== undefined) lines.push(`  hint: ${diagnostic.hint}`);
  // Much of it is what others wrote: nothing in it may move a cursor.
  return lines.join("\n").replaceAll(/(?![\n\t])\p{Cc}/gu, " ");
}

/** Thrown by the loader: the configuration cannot be used. */
export class ConfigurationError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n"));
    this.name = "ConfigurationError";
    this.diagnostics = diagnostics;
  }
}

/** The known word that is nearest to `word`, if any is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = (word.length <= 3 ? 1 : word.length <= 6 ? 2 : 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
