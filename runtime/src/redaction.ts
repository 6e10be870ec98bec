/** Keeps secrets out of what plugins say: into a log or a reason they come by mistake, or in the text of an error. */

/** A shorter one would be found in innocent words. */
const CHARACTERS_MIN = 4;

/** @param secrets of each plugin, by name. @returns the text without any of them. */
export function createRedaction(
  secrets: readonly Readonly<Record<string, string>>[],
): (text: string) => string {
  const known = new Map(
    secrets
      .flatMap((some) => Object.entries(some))
      .filter(([, value]) => value.length >= CHARACTERS_MIN)
      // One that contains another is looked for first.
      .toSorted(([, a], [, b]) => b.length - a.length)
      .flatMap(([name, value]) =>
        [value, encodeURIComponent(value), Buffer.from(value, "utf8").toString("base64")].map(
          (form): [string, string] => [form, `[secret ${name}]`],
        ),
      ),
  );
  return (text) => {
    let clean = text;
    for (const [form, mark] of known) clean = clean.replaceAll(form, mark);
    return clean;
  };
}
