/** The process behind `loadInProcess`: loads the configuration named by its argument and writes a LoaderAnswer. */
import { ConfigurationError } from "./diagnostic.ts";
import { loadConfiguration } from "./load.ts";
import type { LoaderAnswer } from "./loader.ts";

async function load(file: string): Promise<LoaderAnswer> {
  try {
    return { ok: true, loaded: await loadConfiguration(file, process.env) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { ok: false, diagnostics: error.diagnostics };
    throw error;
  }
}

const [file = ""] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await load(file)));
