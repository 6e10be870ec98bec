/** From what was read of a keepalived.conf to the files of a TypeScript configuration. */
import { basename } from "node:path";
import type {
  UserCheck,
  UserCommand,
  UserConfiguration,
  UserNotification,
} from "../config/define.ts";
import type { ReadResult } from "../config/keepalived/read.ts";
import { writePlugin } from "./plugin.ts";
import type { ScriptSource } from "./script.ts";
import { recogniseScript } from "./script.ts";
import { writeTypeScript } from "./typescript.ts";

export interface MigratedFile {
  /** Relative to the folder of the configuration. */
  readonly name: string;
  readonly text: string;
  /** For the person who migrates. */
  readonly purpose: string;
}

/**
 * @param readScript the text of a script, or undefined where there is none.
 * @param source the name of the file that was read, for the head of the new one.
 */
export function migrate(
  read: Pick<ReadResult, "value" | "places" | "comments">,
  readScript: (path: string) => string | undefined,
  source: string,
): readonly MigratedFile[] {
  const plugins = new Map<string, MigratedFile>();

  /** The plugin in the place of a command; equal ones share it. */
  function pluginFor(name: string, kind: "check" | "notifier", command: UserCommand): string {
    const script = sourceOf(command, readScript);
    const recognition = recogniseScript(script);
    const written = writePlugin(name, kind, recognition, script);
    const known = [...plugins.values()].find((entry) => entry.text === written.text);
    if (known !== undefined) return `./${known.name}`;
    const file = unused(written.file, plugins);
    plugins.set(file, { name: file, text: written.text, purpose: written.purpose });
    return `./${file}`;
  }

  const checks = Object.fromEntries(
    Object.entries(read.value.checks ?? {}).map(([name, check]) => [
      name,
      "command" in check ? replaceCheck(check, pluginFor(name, "check", check)) : check,
    ]),
  );
  const told = <T extends { readonly notify?: readonly UserNotification[] }>(
    entries: Readonly<Record<string, T>> | undefined,
  ): Record<string, T> | undefined =>
    entries === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(entries).map(([name, entry]) => [
            name,
            entry.notify === undefined
              ? entry
              : {
                  ...entry,
                  notify: entry.notify.map((one) => replaceNotification(one, pluginFor)),
                },
          ]),
        );
  const { virtualRouters, syncGroups, ...rest } = read.value;
  const value: UserConfiguration = {
    ...rest,
    ...(read.value.checks === undefined ? {} : { checks }),
    virtualRouters: told(virtualRouters) ?? {},
    ...(syncGroups === undefined ? {} : { syncGroups: told(syncGroups) ?? {} }),
  };
  const text = writeTypeScript(value, read, `Migrated from ${source} by karuntime migrate.`);
  return [{ name: "karuntime.config.ts", text, purpose: "the configuration" }, ...plugins.values()];
}

function replaceCheck(
  { command: _command, user: _user, ...timing }: Extract<UserCheck, UserCommand>,
  plugin: string,
): UserCheck {
  return { plugin, ...timing };
}

function replaceNotification(
  notification: UserNotification,
  pluginFor: (name: string, kind: "notifier", command: UserCommand) => string,
): UserNotification {
  if (!("command" in notification)) return notification;
  const [file] = notification.command;
  const plugin = pluginFor(basename(file).replace(/\.[^.]*$/, ""), "notifier", notification);
  const { on } = notification;
  return { ...(on === undefined ? {} : { on }), plugin };
}

function sourceOf(
  { command }: UserCommand,
  readScript: (path: string) => string | undefined,
): ScriptSource {
  const [file, ...parameters] = command;
  const text = readScript(file);
  const isScript = text !== undefined && parameters.length === 0;
  return isScript ? { type: "file", path: file, text } : { type: "command line", argv: command };
}

function unused(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) {
    const candidate = name.replace(/(\.[^.]*)$/, `-${number}$1`);
    if (!taken.has(candidate)) return candidate;
  }
}
