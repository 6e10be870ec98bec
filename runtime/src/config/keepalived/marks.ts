/** Where the values of a block were written, keyword by keyword. */
import type { Context } from "./context.ts";
import type { Found } from "./keyword.ts";

/** Marks the value under each of `keys` with the place of the keyword that gave it. */
export function markKeys(
  context: Context,
  path: readonly (string | number)[],
  block: Readonly<Record<string, readonly Found<unknown>[] | undefined>>,
  keys: Readonly<Record<string, string>>,
): void {
  for (const [keyword, key] of Object.entries(keys)) {
    const found = block[keyword]?.at(-1);
    if (found !== undefined) context.mark([...path, ...key.split(".")], found.statement);
  }
}
