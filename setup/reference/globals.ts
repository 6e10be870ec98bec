/** What a plugin finds without an import, in one table: the web's own names, and what differs here. */
import { inOneLine } from "./docstring.ts";
import type { Definition, Module, Node } from "./source.ts";

interface Global {
  readonly has: string[];
  readonly said: string[];
}

const HEAD = ["| | has | here |", "| --- | --- | --- |"];

export function globalsTable(module: Module): readonly string[] {
  const globals = new Map<string, Global>();
  for (const definition of module.definitions) {
    if (!isValue(definition, module)) continue;
    const known = globals.get(definition.name) ?? { has: [], said: [] };
    globals.set(definition.name, known);
    add(definition, known);
  }
  const rows = [...globals].map(
    ([name, { has, said }]) =>
      `| \`${name}\` | ${has.map((member) => `\`${member}\``).join(", ")} | ${said.join(" ").replaceAll("|", "\\|")} |`,
  );
  return [module.doc.text, [...HEAD, ...rows].join("\n")];
}

/** An interface alone is only a type: it is shown where there is something of its name. */
function isValue({ name, node }: Definition, { definitions }: Module): boolean {
  if (node.type === "TSTypeAliasDeclaration") return false;
  return (
    node.type !== "TSInterfaceDeclaration" ||
    definitions.some((other) => other.name === name && other.node.type === "VariableDeclaration")
  );
}

function add({ name, doc, node, module }: Definition, { has, said }: Global): void {
  if (doc.text !== "") said.push(...whole(doc));
  if ("params" in node) has.push(`${name}(${namesOf(node)})`);
  for (const member of bodyOf(node)) {
    const key = member["key"] as Node | undefined;
    const own = key === undefined ? "" : module.text.slice(key.start, key.end);
    if (own === "prototype") continue;
    const shown = "params" in member ? `${own}(${namesOf(member)})` : own;
    const isStatic = node.type === "VariableDeclaration" && !/^[a-z]/.test(name);
    const constructs = member.type === "TSConstructSignatureDeclaration";
    has.push(constructs ? `new ${name}${shown}` : isStatic ? `${name}.${shown}` : shown);
    const remark = whole(module.docOf(member));
    if (remark.length > 0)
      said.push(`\`${constructs ? `new ${name}` : own}\`: ${remark.join(" ")}`);
  }
}

function whole({ text, throws }: Definition["doc"]): readonly string[] {
  const errors = throws.map((reason) => `Throws ${reason.replace(/\.?$/, ".")}`);
  return text === "" ? errors : [inOneLine(text), ...errors];
}

/** The members of an interface, or of the type of a variable. */
function bodyOf(node: Node): readonly Node[] {
  if (node.type === "TSInterfaceDeclaration")
    return (node["body"] as { readonly body: readonly Node[] }).body;
  if (node.type !== "VariableDeclaration") return [];
  const [declared] = node["declarations"] as readonly {
    readonly id: { readonly typeAnnotation: { readonly typeAnnotation: Node } };
  }[];
  return (declared?.id.typeAnnotation.typeAnnotation["members"] ?? []) as readonly Node[];
}

function namesOf(node: Node): string {
  return (node["params"] as readonly Node[])
    .map((parameter) => {
      const rest = parameter["argument"] as { readonly name: string } | undefined;
      if (rest !== undefined) return `...${rest.name}`;
      return `${String(parameter["name"])}${parameter["optional"] === true ? "?" : ""}`;
    })
    .join(", ");
}
