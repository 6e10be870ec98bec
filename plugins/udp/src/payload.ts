/** What is sent and what is expected, from the texts that the operator writes. */

/** The octets that hex digits stand for; blanks and colons between them do not matter. @throws Error for anything else. */
export function bytesOfHex(text: string): Uint8Array {
  const digits = text.replaceAll(/[\s:]/g, "");
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits))
    throw new Error(`found ${JSON.stringify(text)}, expected pairs of hex digits such as "23 0f"`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The octets in hex, the first 32 of them: enough to see what came. */
export function hexOf(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, 32), (octet) => octet.toString(16).padStart(2, "0"));
  return shown.join(" ") + (bytes.length > shown.length ? " ..." : "");
}

/** Whether an answer begins as expected. A pattern is matched against one character for each octet. */
export function beginsAs(
  answer: Uint8Array,
  expected: string,
  expectAs: "text" | "hex" | "regex",
): boolean {
  if (expectAs === "regex")
    return new RegExp(`^(?:${expected})`).test(
      Array.from(answer, (octet) => String.fromCharCode(octet)).join(""),
    );
  const prefix = expectAs === "hex" ? bytesOfHex(expected) : new TextEncoder().encode(expected);
  return prefix.every((octet, index) => answer[index] === octet);
}
