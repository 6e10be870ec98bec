/** The many ways in which scripts count processes. */
import type { ShellNode, SimpleCommand } from "./shell.ts";
import { literal, substitution } from "./shell.ts";

const NAME = /^[A-Za-z0-9_.-]{1,15}$/;

/** The process whose number a word is, as in `$(ps -C nginx --no-heading | wc -l)`. */
export function countedIn(word: string): string | undefined {
  const [node, ...others] = substitution(word) ?? [];
  return node === undefined || others.length > 0 ? undefined : countedBy(node);
}

/** The process whose number a command prints; 0 when none runs. */
export function countedBy(node: ShellNode): string | undefined {
  if (node.type === "command") return countedByOne(wordsOf(node));
  if (node.type !== "pipeline" || node.negated) return undefined;
  const stages = node.commands.map((command) =>
    command.type === "command" ? wordsOf(command) : undefined,
  );
  const [first, ...rest] = stages;
  const last = rest.pop();
  if (first === undefined || last === undefined) return undefined;
  const counts = isCount(last);
  if (counts && rest.length === 0) return listed(first);
  if (!isProcessList(first)) return undefined;
  return counts ? filtered(rest) : filtered([...rest, last], true);
}

/** The process that a command's success means is there, as in `pidof nginx`. */
export function foundBy(node: ShellNode): string | undefined {
  if (node.type !== "command") return undefined;
  const words = wordsOf(node);
  const [file, ...options] = words ?? [];
  const name = options.at(-1);
  if (file === undefined || name === undefined || !NAME.test(name)) return undefined;
  const flags = options.slice(0, -1).join(" ");
  const base = file.replace(/^.*\//, "");
  if (base === "killall" && /^-(?:0|s 0)(?: -q)?$/.test(flags)) return name;
  if (base === "pidof" && /^(?:-x|-s|)$/.test(flags)) return name;
  if (base === "pgrep" && flags === "-x") return name;
  return undefined;
}

/** The words of a command that is nothing else; redirections of what it says are let be. */
export function wordsOf({ assignments, words, redirections }: SimpleCommand): string[] | undefined {
  if (assignments.length > 0 || redirections.some(({ operator }) => operator.includes("<")))
    return undefined;
  // `$0`, `$$` and `[n]ginx` in a filter keep the script, or grep, from being counted.
  const plain = words.map((word) =>
    /^"?[^"]*\$[0$][^"]*"?$|^\[\w\][\w.-]+$/.test(word) ? word.replaceAll('"', "") : literal(word),
  );
  return plain.includes(undefined) ? undefined : (plain as string[]);
}

function isCount([file, option]: readonly string[]): boolean {
  return file === "wc" && (option === "-l" || option === "-w");
}

function countedByOne(words: readonly string[] | undefined): string | undefined {
  const [file, ...options] = words ?? [];
  const name = options.at(-1);
  if (file !== "pgrep" || name === undefined || !NAME.test(name)) return undefined;
  return /^(?:-c -x|-x -c|-xc|-cx)$/.test(options.slice(0, -1).join(" ")) ? name : undefined;
}

/** `ps -C nginx --no-heading`, `pidof nginx`, `pgrep -x nginx`: a line, or a word, for each process. */
function listed(words: readonly string[]): string | undefined {
  const [file, ...options] = words;
  if (file === "ps") {
    const at = options.indexOf("-C");
    const name = options[at + 1];
    const others = options.filter((_, index) => index !== at && index !== at + 1);
    // –no-header with a dash that a web page made of two hyphens.
    const bare = others.every((option) =>
      /^(?:-h|h|-o|pid=|(?:--|\u2013|\u2014)no-head(?:ing|er|ings|ers)?)$/.test(option),
    );
    return at >= 0 && name !== undefined && NAME.test(name) && bare && others.length > 0
      ? name
      : undefined;
  }
  return foundBy({ type: "command", assignments: [], words, redirections: [] });
}

function isProcessList([file, option, ...others]: readonly string[]): boolean {
  const options = ["-ef", "aux", "-aux", "-e", "-A", "ax", "-ax", "auxw", "-efw"];
  return file === "ps" && options.includes(option ?? "") && others.length === 0;
}

/**
 * The name that a chain of greps leaves: one looks for it, the others take out grep itself and the script.
 *
 * @param counts whether the last one counts (`grep -c`) instead of `wc -l`.
 */
function filtered(
  stages: readonly (readonly string[] | undefined)[],
  counts = false,
): string | undefined {
  let name: string | undefined;
  for (const [index, stage] of stages.entries()) {
    const [file, ...options] = stage ?? [];
    if (file === undefined || !["grep", "egrep", "fgrep"].includes(file)) return undefined;
    const pattern = options.at(-1) ?? "";
    const flags = options.slice(0, -1).join("").replaceAll("-", "");
    const last = counts && index === stages.length - 1;
    if (!/^[vwEFc]*$/.test(flags) || flags.includes("c") !== last) return undefined;
    if (flags.includes("v")) {
      const parts = pattern.split("|");
      if (!parts.every((part) => ["grep", "$0", "$$", "bash", "vi", "tail"].includes(part)))
        return undefined;
    } else {
      const wanted = pattern.replace(/^\\b(.*)\\b$/, "$1").replace(/^\[(\w)\]/, "$1");
      if (name !== undefined || !NAME.test(wanted)) return undefined;
      name = wanted;
    }
  }
  return name;
}
