/** Where in the author's file an exception comes from. */

const FRAME = /^\s+at .*?((?:file:\/\/)?\/[^()\n]*?):(\d+):(\d+)\)?$/gm;
/** Of this package. */
const OWN_FILE = /\/sdk\/(?:src|dist)\//;

/** The message, and the place as in "check.ts:4:22". */
export function explain(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message, stack } = error as { readonly message?: unknown; readonly stack?: unknown };
  const [, file = "", line, column] =
    [...String(stack).matchAll(FRAME)].find(([, named = ""]) => !OWN_FILE.test(named)) ?? [];
  if (line === undefined) return String(message);
  const name = decodeURIComponent(file.slice(file.lastIndexOf("/") + 1));
  return `${String(message)} (${name}:${line}:${column})`;
}
