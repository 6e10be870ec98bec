/** What a TypeScript module defines, with docstrings, read by oxc's parser: no types are resolved, they stand as they were written. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";
import type { Docstring } from "./docstring.ts";
import { parseDocstring } from "./docstring.ts";

/** A node of the syntax tree, of which only what is asked for is known. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

export interface Definition {
  readonly name: string;
  readonly exported: boolean;
  readonly doc: Docstring;
  readonly node: Node;
  readonly module: Module;
}

/** What a module passes on from another one: some names, or all. */
interface Passed {
  readonly file: string;
  readonly names: readonly string[] | "all";
}

export interface Module {
  readonly file: string;
  readonly text: string;
  /** What the file says of itself at its head. */
  readonly doc: Docstring;
  /** In the order of the file. */
  readonly definitions: readonly Definition[];
  readonly passed: readonly Passed[];
  /** The docstring before a node. */
  docOf(node: Node): Docstring;
}

const NONE = parseDocstring("");

/** @throws Error when it cannot be parsed. */
export function readModule(file: string): Module {
  const text = readFileSync(file, "utf8");
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const [head, ...docstrings] = comments.filter(
    ({ type, value }) => type === "Block" && value[0] === "*",
  );
  if (head === undefined || text.slice(0, head.start).trim() !== "")
    throw new Error(`${file} does not begin with a docstring that says what it is`);
  const body = program.body as unknown as readonly Node[];
  const docOf = ({ start }: Node): Docstring => {
    const before = docstrings.findLast(({ end }) => end <= start);
    // Comments of one line may stand between.
    const between = before && text.slice(before.end, start).replaceAll(/\/\/.*/g, "");
    return before !== undefined && between?.trim() === "" ? parseDocstring(before.value) : NONE;
  };
  const definitions: Definition[] = [];
  const passed: Passed[] = [];
  const module: Module = {
    file,
    text,
    doc: parseDocstring(head.value),
    definitions,
    passed,
    docOf,
  };
  for (const statement of body) {
    const source = statement["source"] as { readonly value: string } | null | undefined;
    if (statement.type.startsWith("Export") && source) {
      passed.push({ file: join(dirname(file), source.value), names: namesOf(statement) });
      continue;
    }
    const exported = statement.type === "ExportNamedDeclaration";
    const node = (exported ? statement["declaration"] : statement) as Node | null;
    const name = node === null ? undefined : nameOf(node);
    if (node !== null && name !== undefined)
      definitions.push({ name, exported, doc: docOf(statement), node, module });
  }
  return module;
}

function namesOf(statement: Node): Passed["names"] {
  if (statement.type === "ExportAllDeclaration") return "all";
  const specifiers = statement["specifiers"] as readonly { readonly local: { name: string } }[];
  return specifiers.map(({ local }) => local.name);
}

function nameOf(node: Node): string | undefined {
  const declarations = node["declarations"] as readonly Node[] | undefined;
  const id = (declarations?.[0] ?? node)["id"] as { readonly name?: string } | undefined;
  return id?.name;
}

/** The nodes beneath one, itself included, in no particular order. */
export function* nodesIn(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) return;
  if ("type" in value && "start" in value) yield value as Node;
  for (const inner of Object.values(value)) yield* nodesIn(inner);
}

export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The names of types in a node, in order. */
export function referencesIn(node: unknown): readonly Reference[] {
  const found: Reference[] = [];
  for (const { type, ...rest } of nodesIn(node)) {
    const named = rest["typeName"] ?? rest["expression"];
    if (type !== "TSTypeReference" && type !== "TSInterfaceHeritage") continue;
    const { type: kind, name, start, end } = named as Node & { readonly name: string };
    if (kind === "Identifier") found.push({ name, start, end });
  }
  return found.toSorted((a, b) => a.start - b.start);
}

/** A member of an interface or of an object type. */
export interface Member {
  /** As "timeoutMs?", "count()" or, of an object within, "realServers[].weight?". */
  readonly name: string;
  readonly doc: Docstring;
  /** What is shown of it beside the name: its type, or a method's signature. */
  readonly shown: { readonly start: number; readonly end: number; readonly node: Node };
  /** Objects in it whose members follow by themselves. */
  readonly elided: readonly Node[];
}

/** The members of `{ ... }`, and after each one those of documented objects in its type. */
export function membersOf(body: readonly Node[], module: Module, prefix = ""): readonly Member[] {
  return body.flatMap((node) => {
    const { key, typeAnnotation } = node as Node & {
      readonly key?: Node;
      readonly typeAnnotation?: { readonly typeAnnotation: Node };
    };
    const doc = module.docOf(node);
    if (key === undefined) {
      const shown = { start: node.start, end: node.end, node };
      return [{ name: `${prefix}…`, doc, shown, elided: [] }];
    }
    const method = node.type === "TSMethodSignature";
    const text = module.text.slice(key.start, key.end).replaceAll('"', "");
    const written = node["computed"] === true ? `[${text}]` : text;
    const base = `${prefix}${written}${method ? "()" : ""}`;
    const name = `${base}${node["optional"] === true ? "?" : ""}`;
    const type = typeAnnotation?.typeAnnotation;
    const shownNode = method || type === undefined ? node : type;
    const start = shownNode === node ? afterKey(node, key, module) : shownNode.start;
    const elided = method || type === undefined ? [] : documentedObjects(type, module);
    const inner = elided.flatMap((object) => {
      const list = type?.type !== object.type && isListOf(type, object) ? "[]" : "";
      return membersOf(object["members"] as readonly Node[], module, `${base}${list}.`);
    });
    const end = module.text[shownNode.end - 1] === ";" ? shownNode.end - 1 : shownNode.end;
    return [{ name, doc, shown: { start, end, node: shownNode }, elided }, ...inner];
  });
}

/** Where a method's parameters begin. */
function afterKey(node: Node, key: Node, { text }: Module): number {
  const closed = node["computed"] === true ? text.indexOf("]", key.end) + 1 : key.end;
  return text[closed] === "?" ? closed + 1 : closed;
}

/** Objects of which at least one member has a docstring, but for those within others. */
function documentedObjects(type: Node, module: Module): readonly Node[] {
  const objects = [...nodesIn(type)].filter(
    (node) =>
      node.type === "TSTypeLiteral" &&
      [...nodesIn(node["members"])].some((member) => module.docOf(member).text !== ""),
  );
  return objects.filter(
    ({ start, end }) => !objects.some((outer) => outer.start < start && end < outer.end),
  );
}

function isListOf(type: unknown, object: Node): boolean {
  return [...nodesIn(type)].some(
    (node) => node.type === "TSArrayType" && node.start <= object.start && object.end <= node.end,
  );
}
