/** Notify scripts: mail, and services that follow the state, perhaps by `case` over an argument. */
import type { NotifyStep, Recognition, TextPart } from "./meaning.ts";
import { serviceStep } from "./service.ts";
import type { ShellNode, SimpleCommand } from "./shell.ts";
import { literal, substitution, variable } from "./shell.ts";

type Notifier = Extract<Recognition, { readonly type: "notifier" }>;
type Variables = Map<string, string>;

/** keepalived's `notify` gives type, name, state and priority; `notify_master "x.sh master"` what is written there. */
const ARGUMENTS: Readonly<Record<string, "name" | "state" | "STATE">> = {
  "1": "state",
  "2": "name",
  "3": "STATE",
};

/** What a notify script does, or undefined when something in it is not understood. */
export function recogniseNotifier(nodes: readonly ShellNode[]): Notifier | undefined {
  const variables: Variables = new Map();
  const [last] = nodes.slice(-1);
  const before = last?.type === "case" ? nodes.slice(0, -1) : nodes;
  const common = stepsOf(before, variables);
  if (common === undefined) return undefined;
  if (last?.type !== "case")
    return common.length === 0
      ? undefined
      : { type: "notifier", argument: undefined, arms: [{ words: [], steps: common }] };
  const decided = argumentOf(last.word, variables);
  if (decided === undefined) return undefined;
  const arms: { words: readonly string[]; steps: readonly NotifyStep[] }[] = [];
  for (const { patterns, body } of last.arms) {
    const words = patterns.map((pattern) => (pattern === "*" ? "*" : literal(pattern)));
    const usage = words.includes("*");
    const steps = usage ? [] : stepsOf(body, new Map(variables));
    if (steps === undefined || words.includes(undefined)) return undefined;
    if (!usage) arms.push({ words: words as string[], steps: [...common, ...steps] });
  }
  return arms.some(({ steps }) => steps.length > 0)
    ? { type: "notifier", argument: Number(decided), arms }
    : undefined;
}

/** The number of the script's argument that a word is. */
function argumentOf(word: string, variables: Variables): string | undefined {
  const name = variable(word);
  if (name === undefined) return undefined;
  return /^\d$/.test(name) ? name : argumentOf(variables.get(name) ?? "", variables);
}

function stepsOf(nodes: readonly ShellNode[], variables: Variables): NotifyStep[] | undefined {
  const steps: NotifyStep[] = [];
  for (const node of nodes) {
    const step = stepOf(node, variables);
    if (step === undefined) return undefined;
    steps.push(...step);
  }
  return steps;
}

function stepOf(node: ShellNode, variables: Variables): NotifyStep[] | undefined {
  if (node.type === "pipeline" && !node.negated) {
    const [echo, mail, ...rest] = node.commands;
    if (echo?.type !== "command" || mail?.type !== "command" || rest.length > 0) return undefined;
    if (echo.words[0] !== "echo" || echo.assignments.length > 0) return undefined;
    const sent = mailStep(mail, echo.words.slice(1).join(" "), variables);
    return sent === undefined ? undefined : [sent];
  }
  if (node.type !== "command") return undefined;
  const [file] = node.words;
  if (file === undefined) {
    for (const { name, value } of node.assignments) variables.set(name, value);
    return [];
  }
  if (node.assignments.length > 0) return undefined;
  if (file === "exit" && node.words.length <= 2) return [];
  if (file === "echo")
    return [{ type: "log", text: node.words.slice(1).join(" ").replaceAll(/["']/g, "") }];
  const words = node.words.map(literal);
  const service = words.includes(undefined) ? undefined : serviceStep(words as string[]);
  return service === undefined ? undefined : [service];
}

/** `mail -s SUBJECT RECEIVER`; the receivers are those of the configuration. */
function mailStep(
  { words, redirections }: SimpleCommand,
  body: string,
  variables: Variables,
): NotifyStep | undefined {
  const [file, option, subject, receiver, ...rest] = words;
  if (!["mail", "mailx"].includes((file ?? "").replace(/^.*\//, "")) || option !== "-s")
    return undefined;
  if (subject === undefined || receiver === undefined || rest.length > 0 || redirections.length > 0)
    return undefined;
  const title = textOf(subject, variables);
  const text = textOf(body, variables);
  return title === undefined || text === undefined
    ? undefined
    : {
        type: "mail",
        receiver: literal(variables.get(variable(receiver) ?? "") ?? receiver) ?? "root",
        subject: title,
        body: text,
      };
}

const PIECE = /\$\{?(\w+)\}?|`([^`]*)`|\$\(([^()]*)\)|["']|([^$`"']+|\$)/g;

/** A word in the pieces that it is made of; undefined when one of them is not understood. */
function textOf(word: string, variables: Variables, depth = 0): TextPart[] | undefined {
  const parts: TextPart[] = [];
  if (depth > 5) return undefined;
  for (const match of word.matchAll(PIECE)) {
    const [whole, name, backticks, parentheses, text] = match;
    if (text !== undefined) parts.push({ type: "text", text });
    else if (name !== undefined) {
      const value = variables.get(name);
      const argument = ARGUMENTS[name];
      const inner =
        value !== undefined
          ? textOf(value, variables, depth + 1)
          : argument === undefined
            ? undefined
            : [{ type: argument } as const];
      if (inner === undefined) return undefined;
      parts.push(...inner);
    } else if (backticks !== undefined || parentheses !== undefined) {
      const [command] = substitution(whole) ?? [];
      const file = command?.type === "command" ? command.words[0] : undefined;
      if (file !== "hostname" && file !== "date") return undefined;
      parts.push({ type: file === "hostname" ? "host" : "time" });
    }
  }
  return parts;
}
