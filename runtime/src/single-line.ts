/** What a plugin says, as one line without control characters: it goes to logs and terminals. */
export function singleLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}
