/** The process behind `loadInProcess`: loads the configuration that its arguments name and writes a LoaderAnswer. */
import { ConfigurationError } from "./diagnostic.ts";
import type { LoadOptions } from "./load.ts";
import { loadConfiguration } from "./load.ts";
import type { LoaderAnswer } from "./loader.ts";

async function load(file: string, options: LoadOptions): Promise<LoaderAnswer> {
  try {
    const loaded = await loadConfiguration(file, process.env, options);
    const plugins = [...loaded.checks, ...loaded.notifiers];
    return {
      ok: true,
      loaded: {
        ...loaded,
        checks: loaded.checks.map((check) => ({ ...check, bundle: check.bundle.hash })),
        notifiers: loaded.notifiers.map((notifier) => ({
          ...notifier,
          bundle: notifier.bundle.hash,
        })),
      },
      bundles: Object.fromEntries(plugins.map(({ bundle }) => [bundle.hash, bundle])),
    };
  } catch (error) {
    if (error instanceof ConfigurationError) return { ok: false, diagnostics: error.diagnostics };
    throw error;
  }
}

const [file = "", options = "{}"] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await load(file, JSON.parse(options) as LoadOptions)));
