/** Docstrings: their text and their tags. */

export interface Docstring {
  /** Markdown; paragraphs are parted by an empty line. */
  readonly text: string;
  /** By the parameter's name. */
  readonly params: ReadonlyMap<string, string>;
  readonly returns: string;
  readonly throws: readonly string[];
  readonly examples: readonly string[];
}

const TAG = /(?:^|\s)@(param|returns|throws|example)\b[ \t]*/;

/** @param comment what stands between the slashes, without them: from the first star to the last. */
export function parseDocstring(comment: string): Docstring {
  const lines = comment.replace(/^\*+|\*+$/g, "").split("\n");
  const plain = lines.map((line) => line.replace(/^\s*\* ?/, "").trimEnd()).join("\n");
  const [text = "", ...tagged] = plain.split(TAG);
  const params = new Map<string, string>();
  const returns: string[] = [];
  const throws: string[] = [];
  const examples: string[] = [];
  for (let index = 0; index < tagged.length; index += 2) {
    const [tag, said = ""] = tagged.slice(index, index + 2);
    if (tag === "example") examples.push(said.trim());
    else if (tag === "returns") returns.push(inOneLine(said));
    else if (tag === "throws") throws.push(inOneLine(said));
    else {
      const [name = "", ...rest] = inOneLine(said).split(" ");
      params.set(name, rest.join(" "));
    }
  }
  const paragraphs = text.split(/\n\s*\n/).map(inOneLine);
  return {
    text: paragraphs.filter((paragraph) => paragraph !== "").join("\n\n"),
    params,
    returns: returns.join(" "),
    throws,
    examples,
  };
}

export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
