/** Texts with escapes, as an operator writes what is sent. */

const ESCAPES: Readonly<Record<string, string>> = {
  r: "\r",
  n: "\n",
  t: "\t",
  "0": "\0",
  "\\": "\\",
};

/** The octets of a text with \r, \n, \t, \0, \\ and \xHH in it; the rest is UTF-8. @throws Error for another escape. */
export function readText(text: string): Uint8Array {
  const octets: number[] = [];
  for (const [part, hex, letter] of text.matchAll(/\\x([0-9a-fA-F]{2})|\\(.?)|[^\\]+/gs)) {
    if (hex !== undefined) octets.push(Number.parseInt(hex, 16));
    else if (letter === undefined) octets.push(...new TextEncoder().encode(part));
    else {
      const character = ESCAPES[letter];
      if (character === undefined)
        throw new Error(
          `send: found ${JSON.stringify(part)}, expected one of \\r, \\n, \\t, \\0, \\\\ and \\xHH`,
        );
      octets.push(character.charCodeAt(0));
    }
  }
  return Uint8Array.from(octets);
}
