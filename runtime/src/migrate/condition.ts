/** The questions that scripts ask, as conditions. */
import { countedBy, countedIn, foundBy } from "./counting.ts";
import type { Condition } from "./meaning.ts";
import { httpStatusOf, requestOf } from "./request.ts";
import type { Variables } from "./script.ts";
import type { ShellNode, SimpleCommand } from "./shell.ts";
import { literal, variable } from "./shell.ts";

/** What the success of these commands says; undefined where it is not understood. */
export function conditionOf(
  nodes: readonly ShellNode[],
  variables: Variables,
): Condition | undefined {
  const [node, ...others] = nodes;
  if (node === undefined || others.length > 0) return undefined;
  if (node.type === "pipeline") {
    const [only, ...rest] = node.commands;
    if (node.negated && only !== undefined && rest.length === 0) {
      const inner = conditionOf([only], variables);
      return inner === undefined ? undefined : turn(inner);
    }
    return searching(node);
  }
  if (node.type !== "command") return undefined;
  const found = foundBy(node);
  if (found !== undefined) return turn({ type: "no process", name: found });
  return test(node, variables) ?? request(node);
}

/** `ps ... | grep ... > /dev/null`: success when there is one. */
function searching(node: Extract<ShellNode, { readonly type: "pipeline" }>): Condition | undefined {
  const last = node.commands.at(-1);
  if (node.negated || last?.type !== "command" || !/^e?grep$/.test(last.words[0] ?? ""))
    return undefined;
  const quiet = { ...last, words: last.words.filter((word) => word !== "-q"), redirections: [] };
  const counting: SimpleCommand = {
    type: "command",
    assignments: [],
    words: ["wc", "-l"],
    redirections: [],
  };
  const name = countedBy({ ...node, commands: [...node.commands.slice(0, -1), quiet, counting] });
  return name === undefined ? undefined : turn({ type: "no process", name });
}

/** `[ A op B ]`, `test A op B`, `[[ A op B ]]` */
function test(node: SimpleCommand, variables: Variables): Condition | undefined {
  const words = [...node.words];
  if (node.assignments.length > 0 || node.redirections.length > 0) return undefined;
  const opening = words.shift();
  const closing = opening === "[" ? "]" : opening === "[[" ? "]]" : undefined;
  if (opening !== "test" && (closing === undefined || words.pop() !== closing)) return undefined;
  const negated = words[0] === "!";
  if (negated) words.shift();
  const condition =
    words.length === 2
      ? emptiness(words[0] ?? "", words[1] ?? "", variables)
      : words.length === 3
        ? comparison(words[0] ?? "", words[1] ?? "", words[2] ?? "", variables)
        : undefined;
  return condition === undefined ? undefined : negated ? turn(condition) : condition;
}

/** `-z "$(pidof nginx)"` */
function emptiness(operator: string, word: string, variables: Variables): Condition | undefined {
  const value = valueOf(word, variables);
  const pid = /^"?(?:\$\(|`)\s*(?:pidof|pgrep\s+-x)\s+([\w.-]+)\s*[)`]"?$/.exec(value)?.[1];
  const name = pid ?? countedIn(value);
  if (pid === undefined || name === undefined) return undefined;
  if (operator === "-z") return { type: "no process", name };
  return operator === "-n" ? turn({ type: "no process", name }) : undefined;
}

const ZERO = ["-eq 0", "-lt 1", "-le 0", "= 0", "== 0"];
const MORE = ["-ne 0", "-gt 0", "-ge 1", "!= 0"];

function comparison(
  left: string,
  operator: string,
  right: string,
  variables: Variables,
): Condition | undefined {
  const value = valueOf(left, variables);
  const other = literal(right);
  if (other === undefined) return undefined;
  const name = countedIn(value);
  const asked = `${operator} ${other}`;
  if (name !== undefined) {
    if (ZERO.includes(asked)) return { type: "no process", name };
    return MORE.includes(asked) ? turn({ type: "no process", name }) : undefined;
  }
  const status = httpStatusOf(value);
  if (status === undefined || !/^[1-5]\d\d$/.test(other)) return undefined;
  const condition: Condition = { type: "not status", request: status, status: Number(other) };
  if (["!=", "-ne"].includes(operator)) return condition;
  return ["=", "==", "-eq"].includes(operator) ? turn(condition) : undefined;
}

/** What a word stands for: a variable's value, or itself. */
function valueOf(word: string, variables: Variables): string {
  const name = variable(word);
  return (name === undefined ? undefined : variables.get(name)) ?? word;
}

/** `curl -f URL` and `wget --spider URL`: success is a good status. */
function request(node: SimpleCommand): Condition | undefined {
  const asked = requestOf(node);
  if (asked === undefined || !asked.fails) return undefined;
  const { url, timeoutMs, follow } = asked;
  return turn({ type: "not status", request: { url, timeoutMs, follow }, status: undefined });
}

function turn(condition: Condition): Condition {
  return condition.type === "not" ? condition.condition : { type: "not", condition };
}
