/** A configuration as the text of a `karuntime.config.ts`, with the comments of the file that it came from. */
import type { UserConfiguration } from "../config/define.ts";
import type { Comment, ReadResult } from "../config/keepalived/read.ts";

const WIDTH = 100;
const INDENT = "  ";

/** What came from the file that is migrated. */
export type Origin = Pick<ReadResult, "places" | "comments">;

/**
 * Writes a configuration as TypeScript.
 *
 * @param title what the file's head says.
 */
export function writeTypeScript(
  configuration: UserConfiguration,
  origin: Origin,
  title: string,
): string {
  const comments = commentsByPath(origin, configuration);
  const head = take(comments, HEAD);
  const body = write(configuration, [], 0, comments);
  const left = [...comments.values()].flat();
  return [
    `/** ${title} */`,
    ...head.map((text) => `// ${text}`),
    'import { defineConfig } from "karuntime/config";',
    "",
    `export default defineConfig(${body});`,
    ...(left.length === 0
      ? []
      : ["", "// Comments whose lines have no place above:", ...left.map((text) => `// ${text}`)]),
    "",
  ].join("\n");
}

/** What stands on the first line is said of the whole file. */
const HEAD = ["", "head"];

/** The comments that belong to the value at a path, taken away as they are written. */
type CommentsByPath = Map<string, string[]>;

/** A comment beside a value belongs to it, one on a line of its own to the next value in its file. */
function commentsByPath(
  { places, comments }: Origin,
  configuration: UserConfiguration,
): CommentsByPath {
  const byPath: CommentsByPath = new Map();
  const sorted = [...places].toSorted(([, a], [, b]) => a.line - b.line);
  for (const comment of comments) {
    if (comment.text === "") continue;
    const { line, file, lineText } = comment.place;
    const here = sorted.filter(([, place]) => place.file === file);
    const found = comment.alone
      ? here.find(([, place]) => place.line > line)
      : here.findLast(([, place]) => place.line <= line);
    const key = line === 1 ? HEAD.join("\0") : written(found?.[0] ?? "", configuration);
    const beside = !comment.alone && found?.[1].line !== line;
    const keyword = /^\s*(\S+)/.exec(lineText)?.[1] ?? "";
    byPath.set(key, [
      ...(byPath.get(key) ?? []),
      beside && !/[{}#!]/.test(keyword) ? `${keyword}: ${oneLine(comment)}` : oneLine(comment),
    ]);
  }
  return byPath;
}

/** The path, or the nearest one around it that the configuration has: a script's weight may be gone. */
function written(path: string, configuration: UserConfiguration): string {
  const parts = path.split("\0");
  const kept: string[] = [];
  let value: unknown = configuration;
  for (const part of parts) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) break;
    value = (value as Readonly<Record<string, unknown>>)[part];
    kept.push(part);
  }
  return kept.join("\0");
}

function oneLine({ text }: Comment): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

function write(
  value: unknown,
  path: readonly (string | number)[],
  depth: number,
  comments: CommentsByPath,
): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Array.isArray(value)
    ? value.map((entry, index) => [index, entry] as const)
    : Object.entries(value).filter(([, entry]) => entry !== undefined);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return `${open}${close}`;
  const inner = INDENT.repeat(depth + 1);
  const parts = entries.map(([key, entry]) => {
    const at = [...path, key];
    const remarks = take(comments, at).map((text) => `// ${text}`);
    const name = typeof key === "number" ? "" : `${propertyName(key)}: `;
    return { remarks, text: `${name}${write(entry, at, depth + 1, comments)}` };
  });
  const plain = parts.every(({ remarks, text }) => remarks.length === 0 && !text.includes("\n"));
  const short = `${open}${Array.isArray(value) ? "" : " "}${parts.map(({ text }) => text).join(", ")}${Array.isArray(value) ? "" : " "}${close}`;
  const fits = plain && depth > 1 && inner.length + short.length + 20 <= WIDTH;
  if (fits) return short;
  const lines = parts.flatMap(({ remarks, text }) => [
    ...remarks.map((remark) => `${inner}${remark}`),
    `${inner}${text},`,
  ]);
  return [open, ...lines, `${INDENT.repeat(depth)}${close}`].join("\n");
}

function take(comments: CommentsByPath, path: readonly (string | number)[]): readonly string[] {
  const key = path.join("\0");
  const found = comments.get(key) ?? [];
  comments.delete(key);
  return found;
}

function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}
