/** A plugin's options for others to read: as JSON Schema, as TypeScript, and as a help text. */
import * as z from "zod";
import type { JsonValue } from "../sandbox/protocol.ts";
import type { Manifest, OptionDeclaration } from "./manifest.ts";
import { escaped, shown } from "./words.ts";

type Options = Manifest["options"];

/** As much of a JSON Schema as the types of options need. */
export const optionsSchema = z.object({
  properties: z.record(
    z.string(),
    z.object({
      type: z.string(),
      description: z.string().optional(),
      enum: z.array(z.string()).optional(),
    }),
  ),
  required: z.array(z.string()).default([]),
});

export type OptionsSchema = z.infer<typeof optionsSchema>;
type Property = OptionsSchema["properties"][string];

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
  const { description, default: byDefault } = declaration;
  return {
    ...(declaration.type === "list"
      ? { type: "array", items: { type: "string" } }
      : { type: declaration.type }),
    ...(declaration.type === "string" && declaration.choices !== undefined
      ? { enum: declaration.choices }
      : {}),
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
  return `/** What the configuration sets. */
export interface Options {
${membersOf(optionsSchema.parse(jsonSchemaOf(options)))}}
declare const plugin: { readonly kind: ${JSON.stringify(kind)} };
export default plugin;
`;
}

/** The members of an interface that has these options, each with its description. */
export function membersOf(
  { properties, required }: OptionsSchema,
  type: (property: Property) => string = typeOf,
): string {
  return Object.entries(properties)
    .map(([name, property]) => {
      const { description = "" } = property;
      const comment = description === "" ? "" : `  /** ${inComment(description)} */\n`;
      const key = /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name);
      return `${comment}  readonly ${key}${required.includes(name) ? "" : "?"}: ${type(property)};\n`;
    })
    .join("");
}

function typeOf({ type, enum: choices = [] }: Property): string {
  if (choices.length > 0) return choices.map(quoted).join(" | ");
  if (type === "array") return "readonly string[]";
  return ["string", "number", "boolean"].includes(type) ? type : "unknown";
}

/** Somebody else's text as a literal of TypeScript. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

function inComment(text: string): string {
  return text
    .replaceAll("*/", "*\\/")
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim();
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
