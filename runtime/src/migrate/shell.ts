/**
 * As much of the shell's grammar (POSIX 2.10) as scripts for keepalived use: simple commands, pipelines, `&&` and `||`,
 * `if`, `case`, assignments. Whatever else is in a script makes it one that is not understood.
 */

export interface SimpleCommand {
  readonly type: "command";
  readonly assignments: readonly { readonly name: string; readonly value: string }[];
  /** As written, quotes and all. */
  readonly words: readonly string[];
  /** As in `{ operator: ">>", target: "/var/log/x" }`. */
  readonly redirections: readonly { readonly operator: string; readonly target: string }[];
}

export type ShellNode =
  | SimpleCommand
  | {
      readonly type: "pipeline";
      readonly negated: boolean;
      readonly commands: readonly ShellNode[];
    }
  | { readonly type: "and" | "or"; readonly left: ShellNode; readonly right: ShellNode }
  | {
      readonly type: "if";
      readonly condition: readonly ShellNode[];
      readonly consequent: readonly ShellNode[];
      readonly alternative: readonly ShellNode[];
    }
  | {
      readonly type: "case";
      readonly word: string;
      readonly arms: readonly {
        readonly patterns: readonly string[];
        readonly body: readonly ShellNode[];
      }[];
    };

type Token =
  | { readonly type: "word"; readonly text: string }
  | { readonly type: "operator"; readonly text: string };

const OPERATORS = ["&&", "||", ";;", ";", "|", "&", "(", ")", "\n"];
const REDIRECTION = /^(?:\d*|&)(?:>>|>&|<&|>|<)/;
const RESERVED_END = ["then", "elif", "else", "fi", "esac", "do", "done", "}"];
const NOT_UNDERSTOOD = ["while", "until", "for", "select", "function", "{", "do", "done", "[[("];

class NotUnderstood extends Error {}

/** The commands of a script, or undefined when it has something that this grammar does not. */
export function parseShell(text: string): readonly ShellNode[] | undefined {
  try {
    const parser = new Parser(tokensOf(text));
    const nodes = parser.list([]);
    return parser.done() ? nodes : undefined;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let index = 0;
  while (index < text.length) {
    const character = text[index] ?? "";
    if (character === "\\" && text[index + 1] === "\n") index += 2;
    else if (/[ \t\r]/.test(character)) index++;
    else if (character === "#") {
      const end = text.indexOf("\n", index);
      index = end < 0 ? text.length : end;
    } else {
      const redirection = REDIRECTION.exec(text.slice(index));
      const operator =
        redirection === null
          ? OPERATORS.find((candidate) => text.startsWith(candidate, index))
          : undefined;
      if (redirection !== null) {
        if (text.startsWith("<<", index)) throw new NotUnderstood();
        tokens.push({ type: "operator", text: redirection[0] });
        index += redirection[0].length;
      } else if (operator !== undefined) {
        tokens.push({ type: "operator", text: operator });
        index += operator.length;
      } else {
        const end = endOfWord(text, index);
        tokens.push({ type: "word", text: text.slice(index, end) });
        index = end;
      }
    }
  }
  return tokens;
}

/** Where the word that begins at `start` ends. */
function endOfWord(text: string, start: number): number {
  let index = start;
  while (index < text.length) {
    const character = text[index] ?? "";
    if (character === "\\") index += 2;
    else if (character === "'") index = after(text, "'", index + 1);
    else if (character === '"') index = endOfDoubleQuotes(text, index + 1);
    else if (character === "`") index = after(text, "`", index + 1);
    else if (text.startsWith("$(", index)) index = endOfParentheses(text, index + 1);
    else if (text.startsWith("${", index)) index = after(text, "}", index + 2);
    else if (/[\s;|&()<>]/.test(character)) break;
    else index++;
  }
  return Math.min(index, text.length);
}

function endOfDoubleQuotes(text: string, start: number): number {
  let index = start;
  while (index < text.length) {
    const character = text[index];
    if (character === '"') return index + 1;
    if (character === "\\") index += 2;
    else if (text.startsWith("$(", index)) index = endOfParentheses(text, index + 1);
    else if (character === "`") index = after(text, "`", index + 1);
    else index++;
  }
  throw new NotUnderstood();
}

function endOfParentheses(text: string, start: number): number {
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const character = text[index];
    if (character === "'") index = after(text, "'", index + 1);
    else if (character === '"') index = endOfDoubleQuotes(text, index + 1);
    else {
      if (character === "(") depth++;
      if (character === ")" && --depth === 0) return index + 1;
      index++;
    }
  }
  throw new NotUnderstood();
}

function after(text: string, character: string, from: number): number {
  const end = text.indexOf(character, from);
  if (end < 0) throw new NotUnderstood();
  return end + 1;
}

class Parser {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  done(): boolean {
    return this.#index >= this.#tokens.length;
  }

  /** Commands up to one of the words, which is left. */
  list(until: readonly string[]): ShellNode[] {
    const nodes: ShellNode[] = [];
    for (;;) {
      while (this.#isOperator("\n") || this.#isOperator(";")) this.#index++;
      const token = this.#peek();
      if (token === undefined || (token.type === "operator" && [";;", ")"].includes(token.text)))
        return nodes;
      if (
        token.type === "word" &&
        (until.includes(token.text) || RESERVED_END.includes(token.text))
      )
        return nodes;
      nodes.push(this.#andOr());
      if (this.#isOperator("&")) throw new NotUnderstood();
    }
  }

  #andOr(): ShellNode {
    let left = this.#pipeline();
    for (;;) {
      const type = this.#isOperator("&&") ? "and" : this.#isOperator("||") ? "or" : undefined;
      if (type === undefined) return left;
      this.#index++;
      this.#newlines();
      left = { type, left, right: this.#pipeline() };
    }
  }

  #pipeline(): ShellNode {
    const negated = this.#isWord("!");
    if (negated) this.#index++;
    const commands = [this.#command()];
    while (this.#isOperator("|")) {
      this.#index++;
      this.#newlines();
      commands.push(this.#command());
    }
    const [first] = commands;
    if (first !== undefined && commands.length === 1 && !negated) return first;
    return { type: "pipeline", negated, commands };
  }

  #command(): ShellNode {
    const token = this.#peek();
    if (token?.type !== "word" || NOT_UNDERSTOOD.includes(token.text)) throw new NotUnderstood();
    if (token.text === "if") return this.#if();
    if (token.text === "case") return this.#case();
    return this.#simple();
  }

  #if(): ShellNode {
    this.#index++;
    const condition = this.list(["then"]);
    this.#expect("then");
    const consequent = this.list(["elif", "else", "fi"]);
    if (this.#isWord("elif"))
      return { type: "if", condition, consequent, alternative: [this.#if()] };
    let alternative: ShellNode[] = [];
    if (this.#isWord("else")) {
      this.#index++;
      alternative = this.list(["fi"]);
    }
    this.#expect("fi");
    return { type: "if", condition, consequent, alternative };
  }

  #case(): ShellNode {
    this.#index++;
    const word = this.#word();
    this.#newlines();
    this.#expect("in");
    const arms: { patterns: string[]; body: ShellNode[] }[] = [];
    for (;;) {
      this.#newlines();
      if (this.#isWord("esac")) break;
      if (this.#isOperator("(")) this.#index++;
      const patterns = [this.#word()];
      while (this.#isOperator("|")) {
        this.#index++;
        patterns.push(this.#word());
      }
      if (!this.#isOperator(")")) throw new NotUnderstood();
      this.#index++;
      const body = this.list(["esac"]);
      arms.push({ patterns, body });
      if (this.#isOperator(";;")) this.#index++;
    }
    this.#expect("esac");
    return { type: "case", word, arms };
  }

  #simple(): SimpleCommand {
    const assignments: { name: string; value: string }[] = [];
    const words: string[] = [];
    const redirections: { operator: string; target: string }[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.type === "operator") {
        if (!REDIRECTION.test(token.text)) {
          // A function's definition, or a subshell.
          if (token.text === "(") throw new NotUnderstood();
          break;
        }
        this.#index++;
        redirections.push({ operator: token.text, target: this.#word() });
        continue;
      }
      this.#index++;
      const assignment = words.length === 0 ? /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(token.text) : null;
      if (assignment === null) words.push(token.text);
      else assignments.push({ name: assignment[1] ?? "", value: assignment[2] ?? "" });
    }
    return { type: "command", assignments, words, redirections };
  }

  #word(): string {
    const token = this.#peek();
    if (token?.type !== "word") throw new NotUnderstood();
    this.#index++;
    return token.text;
  }

  #expect(word: string): void {
    if (!this.#isWord(word)) throw new NotUnderstood();
    this.#index++;
  }

  #newlines(): void {
    while (this.#isOperator("\n")) this.#index++;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#index];
  }

  #isWord(text: string): boolean {
    const token = this.#peek();
    return token?.type === "word" && token.text === text;
  }

  #isOperator(text: string): boolean {
    const token = this.#peek();
    return token?.type === "operator" && token.text === text;
  }
}

/** A word without quotes, or undefined when the shell would put something in it. */
export function literal(word: string): string | undefined {
  if (/^'[^']*'$/.test(word)) return word.slice(1, -1);
  const inner = /^"(?:[^"\\`$]|\\.|\$(?![\w({]))*"$/.test(word) ? word.slice(1, -1) : word;
  if (inner === word && /["'`$\\*?[\]{}~]/.test(word)) return undefined;
  return inner.replaceAll(/\\(.)/g, "$1");
}

/** The commands inside a word that is nothing but `$(...)` or backticks, perhaps in quotes; else undefined. */
export function substitution(word: string): readonly ShellNode[] | undefined {
  const bare = /^"(.*)"$/s.exec(word)?.[1] ?? word;
  const inner = /^\$\(([\s\S]*)\)$/.exec(bare)?.[1] ?? /^`([\s\S]*)`$/.exec(bare)?.[1];
  if (inner === undefined || (bare.startsWith("$(") && endsEarly(bare))) return undefined;
  return parseShell(inner);
}

function endsEarly(word: string): boolean {
  try {
    return endOfParentheses(word, 1) !== word.length;
  } catch {
    return true;
  }
}

/** The variable that a word is, as in `$n`, `"$n"` or `${n}`. */
export function variable(word: string): string | undefined {
  const match = /^"?\$(?:([A-Za-z_]\w*|\d)|\{([A-Za-z_]\w*|\d)\})"?$/.exec(word);
  return match?.[1] ?? match?.[2];
}
