/** What an attack is, and how its text becomes a plugin. */

export interface Attack {
  readonly name: string;
  /** The body of the check's function. GRANTED, SECRET and FOLDER stand for two ports and a folder of the arena. */
  readonly source: string;
  /** Text of the module before the definition. */
  readonly top?: string;
  /** The whole module instead. */
  readonly module?: string;
  /** The text of `permissions`. */
  readonly permissions?: string;
  /** What the check must come to; "refused": the configuration is not even loaded. */
  readonly wanted: "up" | "down" | "refused";
  /** What the reason, or the refusal, must say. */
  readonly reason?: RegExp;
  /** Whether the host process may be killed and replaced for it. */
  readonly mayRecycle?: boolean;
  /** Why it succeeds, as long as it does: it is run and shown, and fails nothing. */
  readonly hole?: string;
  /** How often it is invoked before it is judged; default 1. */
  readonly runs?: number;
  /** A word of commands that it starts, which must have ended soon after it; it is invoked once then. */
  readonly leaves?: string;
  /** Default 200. */
  readonly timeoutMs?: number;
}

/** What stands in an attack for something that only the arena knows. */
export interface Places {
  readonly granted: number;
  readonly secret: number;
  readonly folder: string;
}

export const TIMEOUT_MS = 200;
/** The reasons of what was ended by a limit. */
export const LIMIT = /^timed out|^out of memory|^its sandbox host was ended/;

/** The plugin's source. */
export function pluginOf(attack: Attack, { granted, secret, folder }: Places): string {
  const fill = (text: string): string =>
    text
      .replaceAll("GRANTED", String(granted))
      .replaceAll("SECRET", String(secret))
      .replaceAll("FOLDER", folder);
  if (attack.module !== undefined) return fill(attack.module);
  return fill(`// @ts-nocheck
import { defineCheck } from "@karuntime/sdk";
${attack.top ?? ""}
export default defineCheck({
  permissions: ${attack.permissions ?? "{}"},
  async check(context) {
    const { processes, services, fetch, connect, exec, mail, files, system, log, options, down } = context;
    ${attack.source}
  },
});
`);
}
