/** A plugin's options for others to read: as JSON Schema, as TypeScript, and as a help text. */
import type { JsonValue } from "../sandbox/protocol.ts";
import type { Manifest, OptionDeclaration } from "./manifest.ts";
import { escaped, shown } from "./words.ts";

type Options = Manifest["options"];

export function jsonSchemaOf(options: Options): Readonly<Record<string, JsonValue>> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: Object.fromEntries(
      Object.entries(options).map(([name, declaration]) => [name, propertyOf(declaration)]),
    ),
    required: Object.keys(options).filter((name) => options[name]?.default === undefined),
    additionalProperties: false,
  };
}

function propertyOf(declaration: OptionDeclaration): Readonly<Record<string, JsonValue>> {
  const { type, description, default: byDefault } = declaration;
  return {
    type,
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...(declaration.type === "number" && declaration.min !== undefined
      ? { minimum: declaration.min }
      : {}),
    ...(declaration.type === "number" && declaration.max !== undefined
      ? { maximum: declaration.max }
      : {}),
  };
}

/** The declarations of a built package: what the configuration sets, without a word of the code. */
export function typesOf({ kind, options }: Pick<Manifest, "kind" | "options">): string {
  const members = Object.entries(options).map(
    ([name, { type, default: byDefault, description }]) => {
      const comment = description === undefined ? "" : `  /** ${inComment(description)} */\n`;
      const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
      return `${comment}  readonly ${key}${byDefault === undefined ? "" : "?"}: ${type};\n`;
    },
  );
  return `/** What the configuration sets. */
export interface Options {
${members.join("")}}
declare const plugin: { readonly kind: ${JSON.stringify(kind)} };
export default plugin;
`;
}

function inComment(text: string): string {
  return text.replaceAll("*/", "*\\/").replaceAll(/\s+/g, " ");
}

/** One line for each option. */
export function helpOn(options: Options): readonly string[] {
  return Object.entries(options).map(([name, declaration]) => {
    const { type, description, default: byDefault } = declaration;
    const limits =
      declaration.type === "number" &&
      (declaration.min !== undefined || declaration.max !== undefined)
        ? `, ${declaration.min ?? "any"} to ${declaration.max ?? "any"}`
        : "";
    const rest =
      byDefault === undefined
        ? "must be set"
        : `default ${typeof byDefault === "string" ? escaped(byDefault) : byDefault}`;
    return `${shown(name)}: ${type}${limits}, ${rest}${description === undefined ? "" : `: ${escaped(description)}`}`;
  });
}
