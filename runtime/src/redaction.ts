/**
 * Keeps secrets out of what plugins say: into a log or a reason they come by mistake, or in the text of an error. A host
 * does it before it cuts a text, since half a secret would not be found; the daemon again, since it trusts no host.
 */

import { singleLine } from "./single-line.ts";

/** A shorter one would be found in innocent words. */
const CHARACTERS_MIN = 4;
/** A secret of which a text has so much of the beginning is found too: the isolate cuts texts before anybody can look at them. */
const BEGINNING_CHARACTERS = 32;
/** Base64 of a part is looked for from this length; octets make characters in threes. */
const BASE64_CHARACTERS_MIN = 8;
const OCTETS_OF_BASE64 = 3;

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
    for (const [form, mark] of known)
      clean = withoutBeginnings(clean.replaceAll(form, mark), form, mark);
    return clean;
  };
}

function withoutBeginnings(text: string, form: string, mark: string): string {
  if (form.length <= BEGINNING_CHARACTERS) return text;
  const [first = "", ...rest] = text.split(form.slice(0, BEGINNING_CHARACTERS));
  return rest.reduce((clean, after) => {
    let length = 0;
    while (length < after.length && after[length] === form[BEGINNING_CHARACTERS + length]) length++;
    return clean + mark + after.slice(length);
  }, first);
}

/** How a secret may travel: as it is, in a single line, in JSON (also twice), in a URL, in base64 (also within something longer). */
function formsOf(secret: string): ReadonlySet<string> {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return new Set([
    secret,
    singleLine(secret),
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    Buffer.from(secret, "utf8").toString("base64"),
    ...withinBase64(secret),
  ]);
}

/** The characters of base64 that are the secret's alone, wherever it stands in what was encoded. */
function withinBase64(secret: string): readonly string[] {
  const octets = Buffer.from(secret, "utf8");
  return Array.from({ length: OCTETS_OF_BASE64 }, (_, before) => {
    const text = Buffer.concat([Buffer.alloc(before), octets]).toString("base64");
    const whole = Math.floor(((before + octets.length) * 8) / 6);
    return text.slice(Math.ceil((before * 8) / 6), whole);
  }).filter((form) => form.length >= BASE64_CHARACTERS_MIN);
}
