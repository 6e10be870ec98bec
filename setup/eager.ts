/**
 * Has V8 compile all functions of a script with the script, and not each at its first call: so all are in its cached data.
 * V8 does so with a function that is in parentheses, since that is most often called at once.
 */
import { parseSync } from "oxc-parser";

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  /** Of a statement such as "use strict". */
  readonly directive?: string | null;
  readonly method?: boolean;
  /** Of what has functions: "method", "constructor", "get", "set", or "init". Of a declaration: "const" and the like. */
  readonly kind?: string;
  readonly id?: { readonly name: string } | null;
  readonly body?: readonly Node[] | Node;
}

/**
 * @param script in which no function declaration is called before a statement that stands above it, other than one itself.
 * @returns the same with functions in parentheses; a declaration becomes a constant at the head of its block.
 */
export function eager(script: string): string {
  const { program, errors } = parseSync("script.js", script, { sourceType: "script" });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("; "));
  return print(program as unknown as Node, undefined);

  function print(node: Node, parent: Node | undefined): string {
    let text = "";
    let head = "";
    /** Behind the directives, which count only where they are the first. */
    let headAt: number | undefined;
    let from = node.start;
    for (const child of childrenOf(node)) {
      text += script.slice(from, child.start);
      from = child.end;
      if (child.type === "FunctionDeclaration")
        head += `const ${child.id?.name} = (${print(child, node)});\n`;
      else text += print(child, node);
      if (typeof child.directive === "string") headAt = text.length;
    }
    text += script.slice(from, node.end);
    if (head !== "") {
      const at = headAt ?? (node.type === "BlockStatement" || node.type === "FunctionBody" ? 1 : 0);
      text = `${text.slice(0, at)}\n${head}${text.slice(at)}`;
    }
    return isExpression(node, parent) ? `(${text})` : text;
  }
}

/** Whether it is a function that may stand in parentheses: a method or an accessor may not. */
function isExpression({ type }: Node, parent: Node | undefined): boolean {
  if (type === "ArrowFunctionExpression") return true;
  const { method = false, kind = "init" } = parent ?? {};
  return type === "FunctionExpression" && !method && kind === "init";
}

/** In the order of the text. A shorthand property has its name twice. */
function childrenOf(node: Node): readonly Node[] {
  const found = new Map<number, Node>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isNode(value) && !found.has(value.start)) found.set(value.start, value);
  };
  Object.values(node).forEach(visit);
  return [...found.values()].toSorted((a, b) => a.start - b.start);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}
