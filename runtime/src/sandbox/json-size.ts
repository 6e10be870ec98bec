/** How much a JSON text would become when it is parsed: a byte of it may take fifty in memory. */

/** A shorter text cannot become much. */
const CHARACTERS_FREE = 64 * 1024;
const VALUES_MAX = 100_000;

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [34, 92, 44, 91, 123];

/** Whether a text has so many values, or so deep ones, that it must not be parsed. */
export function hasTooManyValues(text: string): boolean {
  if (text.length <= CHARACTERS_FREE) return false;
  let values = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if ((code === COMMA || code === BRACKET || code === BRACE) && ++values > VALUES_MAX)
      return true;
  }
  return false;
}
