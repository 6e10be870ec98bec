/** Runs a module's top level once and returns what it exports, as plain data. */
import type { JsonValue, PluginBundle, PluginError } from "./protocol.ts";
import type { PluginIsolateOptions } from "./isolate.ts";
import { PluginIsolate } from "./isolate.ts";
import { bundleName, originOf } from "./source-map.ts";

const TOP_LEVEL_MS_MAX = 2000;

export type Evaluated =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly error: PluginError };

/** @param environment what `env()` reads; none for plugins. */
export async function evaluateBundle(
  bundle: PluginBundle,
  environment: Readonly<Record<string, string>>,
  limits: Pick<PluginIsolateOptions, "onCatastrophe" | "memory">,
): Promise<Evaluated> {
  const isolate = new PluginIsolate({ code: bundle.code, name: bundleName(bundle), ...limits });
  try {
    const context = await isolate.createContext(bundle.file, JSON.stringify(environment));
    await context.topLevel(TOP_LEVEL_MS_MAX);
    return {
      ok: true,
      value: JSON.parse(await isolate.describe(context, TOP_LEVEL_MS_MAX)) as JsonValue,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      error: { message, ...originOf(bundle, error instanceof Error ? (error.stack ?? "") : "") },
    };
  } finally {
    isolate.dispose();
  }
}
