/** Commands, who is told of what, and mail: their shapes, and what they come to. */
import * as z from "zod";
import type {
  Command,
  CommandsConfiguration,
  MailConfiguration,
  NotificationConfiguration,
  NotificationEvent,
  NotificationSubject,
} from "./model.ts";
import { DIRECTOR_EVENTS, NOTIFICATION_EVENTS, VRRP_EVENTS } from "./model.ts";
import { pluginShape, pluginUseOf } from "./plugin-use.ts";
import { duration } from "./values.ts";

const COMMAND_TIMEOUT_MS = 10_000;
const MAIL_PORT = 25;

const user = z
  .string()
  .regex(
    /^[^\s:]+(?::[^\s:]+)?$/,
    'expected a user as "name", "name:group" or "uid:gid", without blanks',
  );

const argv = z
  .array(z.string().refine((word) => !word.includes("\0"), "found a NUL in a command"))
  .min(1)
  .refine((words) => words[0] !== "", "found an empty command, expected the file to run");

/** What runs a command: `{ command, user }`. */
export const commandShape = { command: argv, user: user.optional() };

const startOrStop = z
  .strictObject({
    ...commandShape,
    timeout: duration(1000, 1_000_000, "1s to 1000s").default(COMMAND_TIMEOUT_MS),
  })
  .transform(({ command, user: who, timeout }) => ({
    argv: command,
    user: who,
    timeoutMs: timeout,
  }))
  .optional();

/** How commands run. */
export const commands = z
  .strictObject({
    user: user.optional(),
    secure: z.boolean().default(false),
    start: startOrStop,
    stop: startOrStop,
  })
  .prefault({})
  .transform((parsed): CommandsConfiguration => ({
    user: parsed.user,
    secure: parsed.secure,
    start: parsed.start,
    stop: parsed.stop,
  }));

const line = z
  .string()
  .min(1)
  .max(320)
  .regex(/^[^\p{Cc}]*$/u, "found a control character");

/** How mail is sent. */
export const mail = z
  .strictObject({
    server: line,
    port: z.int().min(1).max(65_535).default(MAIL_PORT),
    from: line,
    to: z.array(line).min(1).max(100),
    helo: line.optional(),
    routerName: line.optional(),
    connectTimeout: duration(1000, 3_600_000, "1s to 60m").default(30_000),
  })
  .transform(({ connectTimeout, helo, routerName, ...rest }): MailConfiguration => ({
    ...rest,
    helo,
    routerName,
    connectTimeoutMs: connectTimeout,
  }));

/** Everybody who is told. @param usual what they are told when they do not say. */
function notificationsOn<const Event extends NotificationEvent>(
  events: readonly Event[],
  usual: readonly Event[],
) {
  const on = z
    .array(z.enum(events))
    .min(1)
    .default([...usual]);
  const notification = z.union(
    [
      z.strictObject({
        on,
        ...pluginShape,
      }),
      z.strictObject({ on, ...commandShape, appendEvent: z.boolean().default(false) }),
      z.strictObject({ on, mail: z.literal(true) }),
      z.strictObject({
        on,
        fifo: z.string().regex(/^\//, "expected the absolute path of a named pipe"),
        user: user.optional(),
        reader: z.strictObject(commandShape).optional(),
      }),
    ],
    `expected { plugin }, { command }, { mail: true } or { fifo }, and perhaps on: ["${usual[0]}", ...]`,
  );
  return z.array(notification).max(100).default([]);
}

const STATES = ["master", "backup", "fault", "stop"] as const;

/** Those of a virtual router or a sync group. */
export const vrrpNotifications = notificationsOn(VRRP_EVENTS, STATES);
/** Those of a virtual server. */
export const directorNotifications = notificationsOn(DIRECTOR_EVENTS, DIRECTOR_EVENTS);
/** Those of everything. */
export const notifications = notificationsOn(NOTIFICATION_EVENTS, STATES);

type ParsedNotifications = z.infer<typeof notifications>;

/** The notifications of one subject. */
export function notificationsOf(
  parsed: ParsedNotifications,
  subject: NotificationSubject,
): NotificationConfiguration[] {
  return parsed.map((entry) => ({ subject, events: entry.on, target: targetOf(entry) }));
}

function targetOf(entry: ParsedNotifications[number]): NotificationConfiguration["target"] {
  if ("plugin" in entry) return pluginUseOf(entry);
  if ("command" in entry)
    return { type: "command", command: commandOf(entry), appendEvent: entry.appendEvent };
  if ("mail" in entry) return { type: "mail" };
  const { fifo, user: owner, reader } = entry;
  return {
    type: "fifo",
    path: fifo,
    user: owner,
    reader: reader === undefined ? undefined : commandOf(reader),
  };
}

/** A command as the daemon runs it. */
export function commandOf(parsed: {
  readonly command: readonly string[];
  readonly user?: string | undefined;
}): Command {
  return { argv: parsed.command, user: parsed.user };
}
