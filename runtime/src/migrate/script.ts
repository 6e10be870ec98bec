/**
 * Recognises what a script for keepalived does. What it answers holds for the whole script: with one command in it
 * that is not understood, the script is unknown.
 */
import { stopsKeepalived } from "../config/stops-keepalived.ts";
import { conditionOf } from "./condition.ts";
import { wordsOf } from "./counting.ts";
import type { Recognition, Step } from "./meaning.ts";
import { recogniseNotifier } from "./notifier.ts";
import type { ShellNode, SimpleCommand } from "./shell.ts";
import { literal, parseShell } from "./shell.ts";
import { serviceStep } from "./service.ts";

export type ScriptSource =
  | { readonly type: "command line"; readonly argv: readonly string[] }
  | { readonly type: "file"; readonly path: string; readonly text: string };

/** Variables and the words that they were given. */
export type Variables = ReadonlyMap<string, string>;

const UNKNOWN: Recognition = { type: "unknown" };
const WAIT_SECONDS_MAX = 60;

class NotUnderstood extends Error {}

/** @param kind what keepalived runs it as. */
export function recogniseScript(source: ScriptSource, kind: "check" | "notifier"): Recognition {
  const nodes = parseShell(textOf(source));
  if (nodes === undefined) return UNKNOWN;
  if (kind === "notifier") return recogniseNotifier(nodes) ?? UNKNOWN;
  try {
    const variables = new Map<string, string>();
    const steps = stepsOf(nodes, variables);
    return steps.some(judges) ? { type: "check", steps } : UNKNOWN;
  } catch (error) {
    if (error instanceof NotUnderstood) return UNKNOWN;
    throw error;
  }
}

function textOf(source: ScriptSource): string {
  if (source.type === "file") return source.text;
  const { argv } = source;
  const [file, option, line] = argv;
  if (argv.length === 3 && /(?:^|\/)(?:ba|da)?sh$/.test(file ?? "") && option === "-c")
    return line ?? "";
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}

/** Whether a step can say that the host is unhealthy. */
function judges(step: Step): boolean {
  return step.type === "if"
    ? [...step.consequent, ...step.alternative].some(judges)
    : step.type === "down";
}

/** @throws NotUnderstood */
function stepsOf(nodes: readonly ShellNode[], variables: Map<string, string>): Step[] {
  const [only] = nodes;
  // A command line that is a question: its success is the answer.
  if (nodes.length === 1 && only !== undefined) {
    const asked = conditionOf([only], variables);
    if (asked !== undefined)
      return [{ type: "if", condition: asked, consequent: [], alternative: [{ type: "down" }] }];
  }
  return nodes.flatMap((node) => stepOf(node, variables));
}

function stepOf(node: ShellNode, variables: Map<string, string>): Step[] {
  switch (node.type) {
    case "if": {
      const condition = conditionOf(node.condition, variables);
      if (condition === undefined) throw new NotUnderstood();
      return [
        {
          type: "if",
          condition,
          consequent: node.consequent.flatMap((inner) => stepOf(inner, variables)),
          alternative: node.alternative.flatMap((inner) => stepOf(inner, variables)),
        },
      ];
    }
    case "and":
    case "or":
      return choice(node, variables);
    case "command":
      return commandStep(node, variables);
    case "pipeline":
      return pipelineStep(node);
    case "case":
      throw new NotUnderstood();
  }
}

/** `A && B`, `A || B`, `A && B || C` where A is a question and B ends the script. */
function choice(
  node: Extract<ShellNode, { readonly type: "and" | "or" }>,
  variables: Map<string, string>,
): Step[] {
  const { left, right } = node;
  if (node.type === "or" && left.type === "and") {
    const condition = conditionOf([left.left], variables);
    const consequent = stepOf(left.right, variables);
    const ends = consequent.some(({ type }) => type === "up" || type === "down");
    if (condition === undefined || !ends) throw new NotUnderstood();
    return [{ type: "if", condition, consequent, alternative: stepOf(right, variables) }];
  }
  const condition = conditionOf([left], variables);
  if (condition === undefined) throw new NotUnderstood();
  const steps = stepOf(right, variables);
  return [
    node.type === "and"
      ? { type: "if", condition, consequent: steps, alternative: [] }
      : { type: "if", condition, consequent: [], alternative: steps },
  ];
}

function commandStep(node: SimpleCommand, variables: Map<string, string>): Step[] {
  if (node.words.length === 0) {
    for (const { name, value } of node.assignments) variables.set(name, value);
    return [];
  }
  const words = wordsOf(node);
  const text = node.words.map((word) => literal(word) ?? word).join(" ");
  if (stopsKeepalived(text) !== undefined) return [{ type: "down" }];
  const [file, first] = words ?? [];
  if (file === "exit") return exitStep(first, words?.length ?? 0);
  if (file === "sleep" && words?.length === 2) return waitStep(first);
  if (node.words[0] === "echo" || node.words[0] === "logger")
    return [{ type: "log", text: spoken(node.words.slice(1)) }];
  if (file === ":" || file === "true") return [];
  const service = words === undefined ? undefined : serviceStep(words);
  if (service === undefined) throw new NotUnderstood();
  return [service];
}

function exitStep(status: string | undefined, length: number): Step[] {
  if (length > 2 || status === undefined || !/^\d{1,3}$/.test(status)) throw new NotUnderstood();
  return [{ type: Number(status) % 256 === 0 ? "up" : "down" }];
}

function waitStep(seconds: string | undefined): Step[] {
  const value = /^\d+(?:\.\d+)?s?$/.test(seconds ?? "")
    ? Number.parseFloat(seconds ?? "")
    : Number.NaN;
  if (!(value <= WAIT_SECONDS_MAX)) throw new NotUnderstood();
  return [{ type: "wait", seconds: value }];
}

/** `ps -ef | grep keepalived | ... | xargs kill -9` */
function pipelineStep(node: Extract<ShellNode, { readonly type: "pipeline" }>): Step[] {
  const text = node.commands
    .map((command) => (command.type === "command" ? command.words.join(" ") : "?"))
    .join(" | ");
  if (!node.negated && stopsKeepalived(text) !== undefined) return [{ type: "down" }];
  throw new NotUnderstood();
}

/** What a script says, without what the shell would put in. */
function spoken(words: readonly string[]): string {
  return words
    .map((word) => word.replaceAll(/["']/g, ""))
    .join(" ")
    .replaceAll(/`[^`]*`|\$\([^)]*\)|\$\{?\w+\}?/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
