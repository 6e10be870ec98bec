/** How each kind of receiver gets its events: a command, a plugin, a named pipe, a mail. */
import type {
  CommandsConfiguration,
  MailConfiguration,
  NotificationConfiguration,
  NotificationTarget,
} from "../config/model.ts";
import type { Logger } from "../observe/log.ts";
import type { CommandRunner } from "./command.ts";
import { describeResult } from "./command.ts";
import { commandIdentity, commandUser, systemUsers } from "./command-user.ts";
import type { Fifo, FifoOptions } from "./fifo.ts";
import { openFifo } from "./fifo.ts";
import type { Mailer } from "./mail.ts";
import { createMailer, mailFor } from "./mail.ts";
import type { Notification } from "./notification.ts";
import { wordsFor } from "./notification.ts";
import type { Deliver } from "./notifications.ts";

type FifoTarget = Extract<NotificationTarget, { readonly type: "fifo" }>;

export interface Deliveries {
  readonly deliver: Deliver;
  /** Ends the pipes, and mails that are under way. */
  close(): void;
}

export interface DeliveriesOptions {
  readonly configurations: readonly NotificationConfiguration[];
  readonly commands: CommandsConfiguration;
  readonly mail: MailConfiguration | undefined;
  readonly runner: CommandRunner;
  /** Hands an event to the plugin of the notification with this index. */
  readonly plugin: (index: number, notification: Notification) => Promise<void>;
  readonly log: Logger;
}

export function createDeliveries(options: DeliveriesOptions): Deliveries {
  const { commands, runner, log } = options;
  const mailer: Mailer | undefined =
    options.mail === undefined ? undefined : createMailer(options.mail);
  const fifos = new Map<string, Fifo>();
  for (const { target } of options.configurations) {
    if (target.type !== "fifo" || fifos.has(target.path)) continue;
    try {
      const { path, user } = target;
      const owner = user === undefined ? undefined : commandUser(user, systemUsers());
      fifos.set(path, openFifo({ path, owner, reader: readerOf(target), runner, log }));
    } catch (error) {
      log.error(
        { fifo: target.path, error: error instanceof Error ? error.message : String(error) },
        "the pipe cannot be used; nobody is told through it",
      );
    }
  }

  /** A pipe works without its reader, as long as somebody else reads it. */
  function readerOf({ path, reader }: FifoTarget): FifoOptions["reader"] {
    if (reader === undefined) return undefined;
    const identity = commandIdentity(reader, commands);
    if (identity.ok) return { argv: reader.argv, user: identity.user };
    log.error(
      { fifo: path, command: reader.argv[0], reason: identity.reason },
      "the pipe's reader never runs",
    );
    return undefined;
  }

  async function runCommand(
    target: Extract<NotificationTarget, { readonly type: "command" }>,
    notification: Notification,
  ): Promise<void> {
    const { command, appendEvent } = target;
    const [file = ""] = command.argv;
    const identity = commandIdentity(command, commands);
    if (!identity.ok) throw new Error(`${file} could not be run: ${identity.reason}`);
    const result = await runner.run(command.argv, {
      user: identity.user,
      append: appendEvent ? wordsFor(notification) : [],
      onOutput: (line) => log.debug({ command: file, line }, "a notification's command says"),
    });
    if (result.type !== "exited" || result.status !== 0)
      log.warn(
        { command: file, event: notification.event, subject: notification.subject.name },
        `a notification's command ${describeResult(result)}`,
      );
  }

  return {
    async deliver({ target }, index, notification) {
      switch (target.type) {
        case "command":
          return runCommand(target, notification);
        case "plugin":
          return options.plugin(index, notification);
        case "fifo":
          return fifos.get(target.path)?.write(notification);
        case "mail": {
          const { subject, text } = mailFor(notification, options.mail?.routerName);
          return mailer?.send(subject, text);
        }
      }
    },
    close() {
      for (const fifo of fifos.values()) fifo.close();
      mailer?.close();
    },
  };
}
