/** From what was read of a keepalived.conf to the files of a TypeScript configuration. */
import { basename } from "node:path";
import type {
  UserCheck,
  UserCommand,
  UserConfiguration,
  UserMail,
  NotificationEvent,
  UserNotification,
  UserService,
} from "../config/define.ts";
import type { ReadResult } from "../config/keepalived/read.ts";
import type { Recognition } from "./meaning.ts";
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
  const services: Record<string, UserService> = { ...read.value.services };
  const receivers: string[] = [];

  /** The plugin in the place of a command; equal ones share it. @returns its file. */
  function pluginFor(name: string, kind: "check" | "notifier", use: ScriptUse): string {
    const script = sourceOf(use, readScript);
    const recognition = fitting(recogniseScript(script, kind), use);
    const written = writePlugin(name, kind, recognition, script);
    const known = [...plugins.values()].find((entry) => entry.text === written.text);
    if (known !== undefined) return `./${known.name}`;
    for (const [service, commands] of Object.entries(written.services))
      services[service] = { ...services[service], ...commands };
    receivers.push(...written.receivers);
    const file = unused(written.file, plugins);
    plugins.set(file, { name: file, text: written.text, purpose: written.purpose });
    return `./${file}`;
  }

  const checks = Object.fromEntries(
    Object.entries(read.value.checks ?? {}).map(([name, check]) => [
      name,
      "command" in check
        ? replaceCheck(check, pluginFor(name, "check", { ...check, append: false }))
        : check,
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
  const [first, ...others] = receivers;
  const mail = read.value.mail ?? (first === undefined ? undefined : localMail([first, ...others]));
  const whole: UserConfiguration = {
    ...value,
    ...(mail === undefined ? {} : { mail }),
    ...(Object.keys(services).length === 0 ? {} : { services }),
  };
  const text = writeTypeScript(whole, read, `Migrated from ${source} by karuntime migrate.`);
  return [{ name: "karuntime.config.ts", text, purpose: "the configuration" }, ...plugins.values()];
}

function replaceCheck(
  { command: _command, user: _user, ...timing }: Extract<UserCheck, UserCommand>,
  plugin: string,
): UserCheck {
  return { plugin, ...timing };
}

/** A command of the configuration as it runs. */
interface ScriptUse extends UserCommand {
  /** Whether keepalived puts INSTANCE or GROUP, the name, the state and the priority behind it. */
  readonly append: boolean;
}

function replaceNotification<Event extends NotificationEvent>(
  notification: UserNotification<Event>,
  pluginFor: (name: string, kind: "notifier", use: ScriptUse) => string,
): UserNotification<Event> {
  if (!("command" in notification)) return notification;
  const { on, command, appendEvent = false } = notification;
  const [file] = command;
  const name = basename(file).replace(/\.[^.]*$/, "");
  const plugin = pluginFor(name, "notifier", { command, append: appendEvent });
  return { ...(on === undefined ? {} : { on }), plugin };
}

function sourceOf(
  { command }: ScriptUse,
  readScript: (path: string) => string | undefined,
): ScriptSource {
  const [file, ...parameters] = command;
  const text = readScript(file);
  const states =
    parameters.length === 1 && /^(?:master|backup|fault|stop)$/i.test(parameters[0] ?? "");
  const isScript = text !== undefined && (parameters.length === 0 || states);
  return isScript ? { type: "file", path: file, text } : { type: "command line", argv: command };
}

/** What was recognised, if the arguments that decide in it are those that it gets. */
function fitting(recognition: Recognition, { command, append }: ScriptUse): Recognition {
  if (recognition.type !== "notifier" || recognition.argument === undefined) return recognition;
  const gets = append ? 3 : command.length === 2 ? 1 : undefined;
  return recognition.argument === gets ? recognition : { type: "unknown" };
}

/** How mail(1) sends it: through the machine's own server. */
function localMail(to: readonly [string, ...string[]]): UserMail {
  return { server: "127.0.0.1", from: "keepalived", to };
}

function unused(name: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) {
    const candidate = name.replace(/(\.[^.]*)$/, `-${number}$1`);
    if (!taken.has(candidate)) return candidate;
  }
}
