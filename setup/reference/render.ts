/** Definitions as Markdown that GitHub shows: types in tables are links to where they are defined. */
import { relative } from "node:path";
import { dirname } from "node:path/posix";
import type { Docstring } from "./docstring.ts";
import { inOneLine } from "./docstring.ts";
import { globalsTable } from "./globals.ts";
import type { Page, Section } from "./pages.ts";
import { isFunction, root } from "./pages.ts";
import type { Definition, Member, Module, Node } from "./source.ts";
import { membersOf, readModule, referencesIn } from "./source.ts";

const NOTICE =
  "<!-- Written by `npm run reference` from the docstrings in the source. Change those. -->";
const READONLY = "Every property and every list is `readonly`, which is left out in the tables.";
/** An alias that is longer stands as it was written. */
const ALIAS_CHARACTERS_MAX = 90;

/** Where each definition of all pages is: its page and its heading. */
export type Places = ReadonlyMap<string, { readonly file: string; readonly anchor: string }>;

export function placesOf(pages: readonly Page[]): Places {
  const places = new Map<string, { readonly file: string; readonly anchor: string }>();
  for (const { description, modules } of pages)
    for (const { definitions } of [...modules.values()].flat())
      for (const { name } of definitions)
        if (!places.has(name)) places.set(name, { file: description.file, anchor: anchorOf(name) });
  return places;
}

/** The anchor that GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

export function renderPage({ description, modules }: Page, places: Places): string {
  const { file, title, introduction, globals } = description;
  const link = linker(file, places);
  const contents: string[] = [];
  const parts: string[] = [];
  for (const [name, sections] of modules) {
    contents.push(`- [${name}](#${anchorOf(name)})`);
    parts.push(`## ${name}`);
    for (const section of sections) {
      const { heading, introduction: said } = headingOf(section);
      const names = section.definitions.map((definition) => link(definition.name));
      contents.push(`  - [${heading}](#${anchorOf(heading)}): ${names.join(", ")}`);
      parts.push(`### ${heading}`, said);
      for (const definition of section.definitions) parts.push(...rendered(definition, link));
    }
  }
  if (globals !== undefined) {
    contents.push("- [Globals](#globals)");
    parts.push("## Globals", ...globalsTable(readModule(`${root}${globals}`)));
  }
  const head = [`# ${title}`, NOTICE, introduction, READONLY, contents.join("\n")];
  return `${[...head, ...parts].filter((part) => part !== "").join("\n\n")}\n`;
}

/** The first sentence of what a file says of itself. */
function headingOf({ module }: Section): {
  readonly heading: string;
  readonly introduction: string;
} {
  const text = module.doc.text;
  const [, first = text, rest = ""] = /^([^]*?)[.:](?:\s+([^]*))?$/.exec(text) ?? [];
  const said = rest === "" ? "" : `${rest[0]?.toUpperCase()}${rest.slice(1)}`;
  return { heading: inOneLine(first).replaceAll("`", ""), introduction: said };
}

type Link = (name: string, text?: string) => string;

function linker(file: string, places: Places): Link {
  return (name, text = name) => `[${text}](${target(name, file, places)})`;
}

function target(name: string, file: string, places: Places): string {
  const place = places.get(name);
  if (place === undefined) return "";
  const page = place.file === file ? "" : relative(dirname(file), place.file);
  return `${page}#${place.anchor}`;
}

function rendered(definition: Definition, link: Link): readonly string[] {
  const { name, doc, node, module } = definition;
  const heading = `#### ${name}`;
  const said = [doc.text, ...tagsOf(doc)];
  const examples = doc.examples.map((example) => exampleOf(example, name));
  const links = linksTo(definition, link);
  if (isFunction(definition)) {
    const code = signature(definition);
    return [heading, code, ...said, parametersOf(doc), links, ...examples];
  }
  if (node.type === "TSInterfaceDeclaration") {
    const { body } = node["body"] as { readonly body: readonly Node[] };
    const members = membersOf(body, module);
    const table = members.length === 0 ? "" : tableOf(members, module, link);
    return [heading, ...said, inherited(node, module, link), table, ...examples];
  }
  if (node.type === "TSTypeAliasDeclaration") {
    const type = node["typeAnnotation"] as Node;
    const short = module.text.slice(type.start, type.end);
    if (type.type === "TSTypeLiteral" && node["typeParameters"] === null) {
      const members = membersOf(type["members"] as readonly Node[], module);
      return [heading, ...said, tableOf(members, module, link), ...examples];
    }
    if (short.length <= ALIAS_CHARACTERS_MAX && !short.includes("/*"))
      return [heading, ...said, code({ ...type, node: type }, [], module, link), ...examples];
  }
  return [heading, ...said, block(asWritten(node, module)), links, ...examples];
}

/** Errors and results that the docstring tells of. */
function tagsOf({ returns, throws }: Docstring): readonly string[] {
  return [
    ...(returns === "" ? [] : [`Returns ${returns}`]),
    ...throws.map((reason) => `Throws ${reason.replace(/^(\w+)/, "`$1`")}`),
  ];
}

function parametersOf({ params }: Docstring): string {
  return [...params].map(([name, said]) => `- \`${name}\`: ${said}`).join("\n");
}

/** It is compiled with the other pages' code, which wants a name for each file. */
function exampleOf(example: string, name: string): string {
  if (!/^\/\/ \S+\.ts\n/.test(example))
    throw new Error(`the example of ${name} must begin with the name of its file: // check.ts`);
  return `\`\`\`ts\n${example}\n\`\`\``;
}

function signature({ node, module }: Definition): string {
  const body = node["body"] as Node | null | undefined;
  const text = module.text.slice(node.start, body?.start ?? node.end).trim();
  return block(text.replace(/^(?:export |declare )+/, "").replace(/;$/, ""));
}

function asWritten(node: Node, { text }: Module): string {
  return text.slice(node.start, node.end);
}

function block(text: string): string {
  return `\`\`\`typescript\n${text}\n\`\`\``;
}

/** What a definition speaks of that has a place of its own, where the code itself has no room for links. */
function linksTo({ name, node }: Definition, link: Link): string {
  const spoken = isFunctionNode(node)
    ? [node["params"], node["returnType"], node["typeParameters"]]
    : node;
  const names = new Set(referencesIn(spoken).map((reference) => reference.name));
  names.delete(name);
  const links = [...names].map((other) => link(other)).filter((text) => !text.endsWith("()"));
  return links.length === 0 ? "" : `See ${links.join(", ")}.`;
}

function isFunctionNode({ type }: Node): boolean {
  return type === "FunctionDeclaration" || type === "TSDeclareFunction";
}

function inherited(node: Node, module: Module, link: Link): string {
  const bases = (node["extends"] ?? []) as readonly Node[];
  if (bases.length === 0) return "";
  const names = bases.map((base) => code({ ...base, node: base }, [], module, link));
  return `It has what ${names.join(" and ")} has, and:`;
}

function tableOf(members: readonly Member[], module: Module, link: Link): string {
  const rows = members.map(({ name, doc, shown, elided }) => {
    const said = [doc.text, ...tagsOf(doc), parametersOf(doc)].filter((text) => text !== "");
    const cell = inOneLine(said.join(" ")).replaceAll("|", "\\|");
    return `| \`${name}\` | ${code(shown, elided, module, link)} | ${cell} |`;
  });
  return ["| member | type | |", "| --- | --- | --- |", ...rows].join("\n");
}

/** A type in one line, with links; objects that are elided are `{ … }`. */
function code(
  { start, end, node }: Member["shown"],
  elided: readonly Node[],
  { text }: Module,
  link: Link,
): string {
  const marks = [
    ...elided.map((object) => ({ ...object, html: "{ … }" })),
    ...referencesIn(node).map((reference) => ({
      ...reference,
      html: anchor(reference.name, link),
    })),
  ].toSorted((a, b) => a.start - b.start);
  let position = start;
  let html = "";
  for (const mark of marks) {
    if (mark.start < position || mark.end > end) continue;
    html += `${escaped(text.slice(position, mark.start))}${mark.html}`;
    position = mark.end;
  }
  html += escaped(text.slice(position, end));
  const line = inOneLine(html)
    .replace(/^: /, "")
    .replace(/^&#124; /, "")
    .replaceAll(/([(<]|&lt;) (?!\.)/g, "$1")
    .replaceAll(/([(]|&lt;)&#124; /g, "$1")
    .replaceAll(/,? ([)]|&gt;)/g, "$1")
    .replaceAll("=&gt;", " =&gt;")
    .replaceAll("  ", " ");
  return `<code>${line}</code>`;
}

function anchor(name: string, link: Link): string {
  const [, href = ""] = /\]\((.*)\)$/.exec(link(name)) ?? [];
  return href === "" ? escaped(name) : `<a href="${href}">${name}</a>`;
}

/** What HTML and Markdown take for something else, as itself. */
function escaped(source: string): string {
  return source
    .replaceAll(/\/\*[^]*?\*\//g, "")
    .replaceAll(/\breadonly\s+/g, "")
    .replaceAll(/[&<>|*_`~\\]|\[(?!\])/g, (character) => {
      if (character === "<") return "&lt;";
      return character === ">" ? "&gt;" : `&#${character.charCodeAt(0)};`;
    });
}
