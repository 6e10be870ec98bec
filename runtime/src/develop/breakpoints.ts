/**
 * Breakpoints at the author's lines for a debugger that reads no source maps, such as `node inspect`: what it asks for in one of
 * the plugin's files, the isolate is asked for in the bundle. (Chrome DevTools Protocol, Debugger.setBreakpointByUrl)
 */
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as z from "zod";
import type { PluginBundle } from "../sandbox/protocol.ts";

/** The one script in the isolate that is a bundle. */
const BUNDLE = "^bundle:";

const request = z.looseObject({
  method: z.literal("Debugger.setBreakpointByUrl"),
  params: z.looseObject({
    lineNumber: z.int().nonnegative(),
    url: z.string().optional(),
    urlRegex: z.string().optional(),
    columnNumber: z.unknown().optional(),
  }),
});

/** Lines of the bundle by file, and by line there. Each counts from 0. */
type Lines = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** @returns what makes of each message of a debugger the one for the isolate. */
export function translateBreakpoints(bundle: PluginBundle): (message: string) => string {
  let lines: Lines | undefined;
  return (message) => {
    // Looked at only when it may matter: there are many messages.
    if (!message.includes("setBreakpointByUrl")) return message;
    const asked = request.safeParse(parsed(message));
    if (!asked.success) return message;
    const { url, urlRegex, columnNumber: _, ...params } = asked.data.params;
    lines ??= linesOf(bundle);
    const file = [...lines.keys()].find((candidate) => isMeant(candidate, url, urlRegex));
    const lineNumber = file && nextLine(lines.get(file), params.lineNumber);
    return lineNumber === undefined
      ? message
      : JSON.stringify({
          ...asked.data,
          params: { ...params, urlRegex: BUNDLE, lineNumber },
        });
  };
}

function isMeant(file: string, url: string | undefined, pattern: string | undefined): boolean {
  const { href } = pathToFileURL(file);
  if (url !== undefined) return url === href || url === file;
  try {
    const expression = new RegExp(pattern ?? "(?!)");
    return expression.test(href) || expression.test(file);
  } catch {
    return false;
  }
}

/** The line itself, or the next one that is code. */
function nextLine(lines: ReadonlyMap<number, number> | undefined, wanted: number) {
  const next = [...(lines?.keys() ?? [])].filter((line) => line >= wanted);
  return lines?.get(Math.min(...next));
}

function linesOf({ file, code, sourceMap }: PluginBundle): Lines {
  const map = new SourceMap(JSON.parse(sourceMap));
  const lines = new Map<string, Map<number, number>>();
  for (const [index, text] of code.split("\n").entries()) {
    const column = text.search(/\S/);
    if (column < 0) continue;
    const entry = map.findEntry(index, column);
    // What stands before the first mapping of a line belongs to another one.
    if (!("originalSource" in entry) || entry.generatedLine !== index) continue;
    const source = sourceFile(file, entry.originalSource);
    const known = lines.get(source) ?? new Map<number, number>();
    lines.set(source, known);
    if (!known.has(entry.originalLine)) known.set(entry.originalLine, index);
  }
  return lines;
}

function sourceFile(bundle: string, source: string): string {
  return source.startsWith("file:") ? fileURLToPath(source) : resolve(dirname(bundle), source);
}

function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
