/** `notify_master` and its kin, `smtp_alert` and the pipes: who is told of what. */
import type { UserNotification, VrrpNotificationEvent } from "../define.ts";
import type { CommandLine } from "./command.ts";
import { command, pluginOf, userCommand } from "./command.ts";
import type { Context } from "./context.ts";
import type { Block, Found, Grammar, Keyword } from "./keyword.ts";
import { boolean, ignored, last } from "./keyword.ts";

/** The keywords that virtual routers and sync groups share. */
export const notifyGrammar = {
  notify_master: command(),
  notify_backup: command(),
  notify_fault: command(),
  notify_stop: command(),
  notify: command(),
  smtp_alert: boolean(),
  notify_priority_changes: boolean(),
} as const satisfies Grammar;

/** Further ones of virtual routers. */
export const instanceNotifyGrammar = {
  ...notifyGrammar,
  notify_master_rx_lower_pri: command(),
  notify_deleted: ignored(
    "a virtual router is never taken away while karuntime runs",
  ) as Keyword<never>,
} as const satisfies Grammar;

const SPECIFIC: Readonly<Record<string, VrrpNotificationEvent>> = {
  notify_master: "master",
  notify_backup: "backup",
  notify_fault: "fault",
  notify_stop: "stop",
  notify_master_rx_lower_pri: "contended",
};
const GENERAL: readonly VrrpNotificationEvent[] = ["master", "backup", "fault", "stop"];
const MAILED: readonly VrrpNotificationEvent[] = ["master", "backup", "fault"];

/** What holds for every virtual router and group unless it says otherwise. */
export interface NotifyDefaults {
  /** Whether state changes are mailed. */
  readonly mail: boolean;
  /** Whether there is a server to mail through. */
  readonly mailConfigured: boolean;
  readonly mailFaults: boolean;
  readonly priorityChanges: boolean;
  /** Whether real servers' and virtual servers' changes are mailed; undefined: the former are. */
  readonly mailDirector: boolean | undefined;
}

/** Who is told, in keepalived's order: the commands for one state, the general command, mail. */
export function notificationsOf(
  block: Block<typeof notifyGrammar> &
    Partial<Record<"notify_master_rx_lower_pri", readonly Found<CommandLine>[]>>,
  defaults: NotifyDefaults,
  context: Context,
): UserNotification<VrrpNotificationEvent>[] {
  const { report } = context;
  const notifications: UserNotification<VrrpNotificationEvent>[] = [];
  for (const [keyword, event] of Object.entries(SPECIFIC)) {
    const found = block[keyword as "notify_master"]?.[0];
    if (found !== undefined) notifications.push({ on: [event], ...targetOf(found.value, context) });
  }
  const priorities = last(block.notify_priority_changes) ?? defaults.priorityChanges;
  const general = block.notify?.[0];
  if (general !== undefined) {
    const target = targetOf(general.value, context);
    notifications.push({
      on: priorities ? [...GENERAL, "priority"] : GENERAL,
      ...target,
      ...("command" in target ? { appendEvent: true } : {}),
    });
  }
  const alert = block.smtp_alert?.at(-1);
  if (alert?.value ?? defaults.mail) {
    if (defaults.mailConfigured)
      notifications.push({
        on: defaults.mailFaults ? MAILED : MAILED.filter((event) => event !== "fault"),
        mail: true,
      });
    else if (alert !== undefined)
      report.warning(
        alert.statement,
        "keepalived.no-mail",
        "smtp_alert sends no mail: global_defs has no smtp_server, or no notification_email",
      );
  }
  return notifications;
}

function targetOf(
  line: CommandLine,
  context: Context,
): { readonly plugin: string } | ReturnType<typeof userCommand> {
  const plugin = pluginOf(line);
  return plugin === undefined ? userCommand(line, false, context) : { plugin };
}
