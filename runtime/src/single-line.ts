/** What plugins say, as one line: it goes to logs and terminals. */

/** Nobody keeps more of a line than that; the rest is not even looked at. */
const CHARACTERS_MAX = 10_000;

/** The text as one line without control characters. */
export function singleLine(text: string): string {
  return text
    .slice(0, CHARACTERS_MAX)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .trim();
}
