/**
 * The SDK's reference, from the docstrings in its source:
 *
 *   npm run reference
 */
import { writeFileSync } from "node:fs";
import { readPages, root } from "./reference/pages.ts";
import { placesOf, renderPage } from "./reference/render.ts";

/** The text of each page, by its file. */
export function referencePages(): ReadonlyMap<string, string> {
  const pages = readPages();
  const places = placesOf(pages);
  return new Map(pages.map((page) => [page.description.file, renderPage(page, places)]));
}

if (import.meta.main)
  for (const [file, text] of referencePages()) {
    writeFileSync(`${root}${file}`, text);
    console.log(file);
  }
