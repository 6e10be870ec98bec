/**
 * Loads a configuration in a process of its own that ends with its answer: bundler and schema are a third of the
 * memory that a daemon would otherwise keep for as long as it runs.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "./diagnostic.ts";
import { ConfigurationError } from "./diagnostic.ts";
import type { LoadedConfiguration, LoadOptions } from "./load.ts";
import type { LoadedCheck, LoadedNotifier } from "./load-plugins.ts";
import type { PluginBundle, WithoutBundle } from "../sandbox/protocol.ts";

const MAIN = fileURLToPath(new URL("./loader-main.js", import.meta.url));
const LOAD_MS_MAX = 60_000;
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

/** Bundles stand once, by their hash: many checks may share one. */
export type LoaderAnswer =
  | {
      readonly ok: true;
      readonly loaded: Omit<LoadedConfiguration, "checks" | "notifiers"> & {
        readonly checks: readonly WithoutBundle<LoadedCheck>[];
        readonly notifiers: readonly WithoutBundle<LoadedNotifier>[];
      };
      readonly bundles: Readonly<Record<string, PluginBundle>>;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Like `loadConfiguration`, with this process's environment. @throws ConfigurationError with every diagnostic. */
export function loadInProcess(file: string, load: LoadOptions = {}): Promise<LoadedConfiguration> {
  const options = {
    timeout: LOAD_MS_MAX,
    maxBuffer: ANSWER_BYTES_MAX,
    killSignal: "SIGKILL",
  } as const;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [MAIN, file, JSON.stringify(load)],
      options,
      (error, stdout, stderr) => {
        if (error !== null) {
          return reject(
            new Error(`the configuration could not be loaded: ${stderr.trim() || error.message}`),
          );
        }
        const answer = JSON.parse(stdout) as LoaderAnswer;
        if (answer.ok) resolve(restore(answer));
        else reject(new ConfigurationError(answer.diagnostics));
      },
    );
  });
}

function restore({
  loaded,
  bundles,
}: Extract<LoaderAnswer, { readonly ok: true }>): LoadedConfiguration {
  const withBundle = <Spec extends { readonly bundle: string }>(spec: Spec) => {
    const bundle = bundles[spec.bundle];
    if (bundle === undefined) throw new Error(`the bundle ${spec.bundle} did not come`);
    return { ...spec, bundle };
  };
  return {
    ...loaded,
    checks: loaded.checks.map(withBundle),
    notifiers: loaded.notifiers.map(withBundle),
  };
}
