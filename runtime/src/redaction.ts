/**
 * Keeps secrets out of what plugins say: into a log or a reason they come by mistake, or in the text of an error. A host
 * does it before it cuts a text, since half a secret would not be found; the daemon again, since it trusts no host.
 */

import { singleLine } from "./single-line.ts";

/** A shorter one would be found in innocent words. */
const CHARACTERS_MIN = 4;
/** @param secrets of each plugin, by name. @returns the text without any of them. */
export function createRedaction(
  secrets: readonly Readonly<Record<string, string>>[],
): (text: string) => string {
  const known = secrets
    .flatMap((some) => Object.entries(some))
    .flatMap(([name, value]) =>
      [...formsOf(value)].map((form): [string, string] => [form, `[secret ${name}]`]),
    )
    .filter(([form]) => form.length >= CHARACTERS_MIN)
    // One that contains another is looked for first.
    .toSorted(([a], [b]) => b.length - a.length);

  return (text) => {
    let clean = text;
    for (const [form, mark] of known) clean = clean.replaceAll(form, mark);
    return clean;
  };
}

/** How a secret may travel: as it is, in a single line, in JSON, in a URL, in base64. */
function formsOf(secret: string): ReadonlySet<string> {
  return new Set([
    secret,
    singleLine(secret),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    Buffer.from(secret, "utf8").toString("base64"),
  ]);
}
