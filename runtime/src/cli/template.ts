/** Makes a folder's first files from templates. It overwrites nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TEMPLATES = fileURLToPath(new URL("../../template/", import.meta.url));

/**
 * @param files the files to write, and where their templates are. npm leaves out some names, hence the others.
 * @param words what stands in a template as `{{word}}`.
 * @throws Error when one of the files is there already; then none is written.
 */
export function writeTemplate(
  folder: string,
  files: Readonly<Record<string, string>>,
  words: Readonly<Record<string, string>>,
): void {
  const present = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (present.length > 0)
    throw new Error(`nothing is written: ${folder} has ${present.join(", ")} already`);
  for (const [file, template] of Object.entries(files)) {
    const text = readFileSync(join(TEMPLATES, template), "utf8");
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(
      join(folder, file),
      text.replaceAll(/\{\{(\w+)\}\}/g, (whole, word: string) => words[word] ?? whole),
    );
  }
}
