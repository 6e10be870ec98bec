/** `global_defs` and the keywords beside it: what holds for every virtual router. */
import { familyOf, isMulticast, parseAddress } from "../../packet/address.ts";
import type {
  DirectorNotificationEvent,
  Duration,
  UserCommands,
  UserMail,
  UserNotification,
  VrrpNotificationEvent,
} from "../define.ts";
import { gap } from "./announcement.ts";
import type { CommandLine } from "./command.ts";
import { checkUser, command, userCommand, userOf } from "./command.ts";
import type { Context } from "./context.ts";
import { duration, present } from "./context.ts";
import { globalsWithoutEffect } from "./global-without-effect.ts";
import type { Block, Found, Grammar, Keyword, Statement } from "./keyword.ts";
import {
  block,
  boolean,
  custom,
  flag,
  ignored,
  integer,
  last,
  lines,
  required,
  seconds,
  text,
  unsupported,
  words,
} from "./keyword.ts";
import { markKeys } from "./marks.ts";
import type { NotifyDefaults } from "./notify.ts";
import type { Word } from "./word.ts";

const SECONDS_MAX = 4294;
const COUNT_MAX = 2_147_483_647;
const MAIL_PORT = 25;
const HOUR_S = 3600;
/** keepalived's own default for static addresses without a device. */
const STATIC_INTERFACE = "eth0";

const group = (family: "ipv4" | "ipv6"): Keyword<string> =>
  custom((statement, report) => {
    const word = required(statement, 0, "a multicast address", report);
    if (word === undefined) return undefined;
    const address = parseAddress(word.text);
    if (address !== undefined && isMulticast(address) && familyOf(address) === family)
      return word.text;
    report.error(
      word,
      "keepalived.address",
      `found ${JSON.stringify(word.text)}, expected an ${family === "ipv4" ? "IPv4" : "IPv6"} multicast address`,
    );
    return undefined;
  });

/** A path, and perhaps the user and the group that own it. */
const fifo = words("the path of a named pipe");

const globalGrammar = {
  router_id: text("a name"),
  notification_email: lines(),
  notification_email_from: words("an address"),
  smtp_server: words("a server, and perhaps a port"),
  smtp_connect_timeout: seconds(0, SECONDS_MAX),
  smtp_helo_name: text("a name"),
  smtp_alert: boolean(),
  smtp_alert_vrrp: boolean(),
  smtp_alert_checker: boolean(),
  no_email_faults: flag(),
  enable_script_security: flag(),
  script_user: custom((statement, report) =>
    required(statement, 0, "a user", report) === undefined ? undefined : userOf(statement),
  ),
  startup_script: command(),
  startup_script_timeout: integer(1, 1000),
  shutdown_script: command(),
  shutdown_script_timeout: integer(1, 1000),
  default_interface: text("an interface"),
  dynamic_interfaces: words("", 0),
  vrrp_version: integer(2, 3),
  vrrp_mcast_group4: group("ipv4"),
  vrrp_mcast_group6: group("ipv6"),
  vrrp_garp_master_delay: integer(0, SECONDS_MAX),
  vrrp_garp_master_repeat: integer(0, COUNT_MAX),
  vrrp_garp_master_refresh: integer(0, SECONDS_MAX),
  vrrp_garp_master_refresh_repeat: integer(0, COUNT_MAX),
  vrrp_garp_lower_prio_delay: integer(0, SECONDS_MAX),
  vrrp_garp_lower_prio_repeat: integer(0, COUNT_MAX),
  vrrp_garp_interval: gap,
  vrrp_gna_interval: gap,
  vrrp_min_garp: boolean(),
  vrrp_down_timer_adverts: integer(1, 100),
  vrrp_lower_prio_no_advert: boolean(),
  vrrp_higher_prio_send_advert: boolean(),
  vrrp_owner_ignore_adverts: boolean(),
  v3_checksum_as_v2: boolean(),
  vrrp_skip_check_adv_addr: boolean(),
  vrrp_check_unicast_src: flag(),
  vrrp_strict: flag(),
  vrrp_notify_priority_changes: boolean(),
  vrrp_startup_delay: seconds(0.001, SECONDS_MAX),
  vrrp_delay_after_boot: seconds(0.001, SECONDS_MAX),
  notify_fifo: fifo,
  notify_fifo_script: command(),
  vrrp_notify_fifo: fifo,
  vrrp_notify_fifo_script: command(),
  lvs_notify_fifo: fifo,
  lvs_notify_fifo_script: command(),
  include_check: words("", 0),
  ...globalsWithoutEffect,
} as const satisfies Grammar;

const groupGrammar = {
  garp_interval: gap,
  gna_interval: gap,
  interface: text("an interface"),
  interfaces: lines(),
} as const satisfies Grammar;

/** The root keywords of this part. */
export const globalRoot = {
  global_defs: block(globalGrammar),
  garp_group: { ...block(groupGrammar), repeats: true },
  linkbeat_interfaces: ignored("the kernel tells at once when a link goes down", "lines"),
  linkbeat_use_polling: ignored("the kernel tells at once when a link goes down"),
  net_namespace: unsupported("start it inside: ip netns exec NAME karuntime start -c FILE"),
  net_namespace_ipvs: ignored("there is no director yet"),
  namespace_with_ipsets: ignored("no ipsets are used"),
  instance: ignored("name another folder for each daemon: --runtime-directory DIR"),
  use_pid_dir: ignored("there are no pid files; the runtime directory has a socket"),
  child_wait_time: ignored("stopping waits for as long as it takes, within bounds"),
  track_group: ignored("static items that disappear are not tracked", "block"),
  SSL: ignored("there is no director yet", "block"),
} as const satisfies Grammar;

/** What holds for every virtual router unless it says otherwise. */
export interface Globals {
  readonly version: number | undefined;
  readonly strict: boolean;
  readonly defaultInterface: string | undefined;
  readonly dynamicInterfaces: boolean;
  readonly staticInterface: string;
  readonly multicastGroup4: string | undefined;
  readonly multicastGroup6: string | undefined;
  readonly downTimerAdverts: number | undefined;
  readonly lowerPriorityNoAdvert: boolean;
  readonly higherPrioritySendAdvert: boolean;
  readonly ownerIgnoreAdverts: boolean | undefined;
  readonly checksumAsVersion2: boolean;
  readonly checkUnicastSource: boolean;
  readonly startDelay: Duration | undefined;
  readonly startDelayAfterBoot: Duration | undefined;
  readonly garp: {
    readonly count: number | undefined;
    /** Seconds. */
    readonly delay: number | undefined;
    readonly refresh: number | undefined;
    readonly refreshCount: number | undefined;
    readonly lowerPriorityDelay: number | undefined;
    readonly lowerPriorityCount: number | undefined;
  };
  /** The gap between frames on an interface, in milliseconds. */
  readonly gapOf: (device: string, family: "ipv4" | "ipv6") => number | undefined;
  readonly notify: NotifyDefaults;
}

/** What `global_defs` says once for all. */
export interface GlobalParts {
  readonly mail: UserMail | undefined;
  readonly commands: UserCommands | undefined;
  readonly notify: readonly UserNotification[];
}

type Root = Block<typeof globalRoot>;
type Definitions = Block<typeof globalGrammar>;

/** Everything in `global_defs`; several such blocks count as one. */
function definitionsOf(root: Root): Definitions {
  const merged: Record<string, unknown[]> = {};
  for (const { value } of root.global_defs ?? [])
    for (const [key, entries] of Object.entries(value.block))
      merged[key] = [...(merged[key] ?? []), ...(entries ?? [])];
  return merged as Definitions;
}

export function globalsOf(root: Root, context: Context): Globals & { readonly parts: GlobalParts } {
  const found = definitionsOf(root);
  const least = last(found.vrrp_min_garp) === true;
  const mail = mailOf(found, context);
  return {
    version: last(found.vrrp_version),
    strict: found.vrrp_strict !== undefined,
    defaultInterface: last(found.default_interface)?.text,
    dynamicInterfaces: found.dynamic_interfaces !== undefined,
    staticInterface: last(found.default_interface)?.text ?? STATIC_INTERFACE,
    multicastGroup4: last(found.vrrp_mcast_group4),
    multicastGroup6: last(found.vrrp_mcast_group6),
    downTimerAdverts: last(found.vrrp_down_timer_adverts),
    lowerPriorityNoAdvert: last(found.vrrp_lower_prio_no_advert) ?? false,
    higherPrioritySendAdvert: last(found.vrrp_higher_prio_send_advert) ?? false,
    ownerIgnoreAdverts: last(found.vrrp_owner_ignore_adverts),
    checksumAsVersion2: last(found.v3_checksum_as_v2) ?? false,
    checkUnicastSource: found.vrrp_check_unicast_src !== undefined,
    startDelay: delayOf(found.vrrp_startup_delay),
    startDelayAfterBoot: delayOf(found.vrrp_delay_after_boot),
    garp: {
      count: last(found.vrrp_garp_master_repeat) ?? (least ? 1 : undefined),
      delay: last(found.vrrp_garp_master_delay) ?? (least ? 0 : undefined),
      refresh: last(found.vrrp_garp_master_refresh),
      refreshCount: last(found.vrrp_garp_master_refresh_repeat),
      lowerPriorityDelay: last(found.vrrp_garp_lower_prio_delay),
      lowerPriorityCount: last(found.vrrp_garp_lower_prio_repeat),
    },
    gapOf: gapsOf(root, found, context),
    notify: {
      mail: last(found.smtp_alert_vrrp) ?? last(found.smtp_alert) ?? false,
      mailConfigured: mail !== undefined,
      mailFaults: found.no_email_faults === undefined,
      priorityChanges: last(found.vrrp_notify_priority_changes) ?? false,
      mailDirector: last(found.smtp_alert_checker) ?? last(found.smtp_alert),
    },
    parts: {
      mail,
      commands: commandsOf(found, context),
      notify: fifosOf(found, context),
    },
  };
}

function delayOf(entries: readonly Found<number>[] | undefined): Duration | undefined {
  const value = last(entries);
  return value === undefined ? undefined : duration(Math.min(HOUR_S * 1000, value));
}

function gapsOf(root: Root, found: Definitions, { report }: Context): Globals["gapOf"] {
  const general = { ipv4: last(found.vrrp_garp_interval), ipv6: last(found.vrrp_gna_interval) };
  const groups = new Map<string, typeof general>();
  for (const { value, statement } of root.garp_group ?? []) {
    const own = { ipv4: last(value.block.garp_interval), ipv6: last(value.block.gna_interval) };
    const names = [
      ...(value.block.interface ?? []).map((entry) => entry.value.text),
      ...(last(value.block.interfaces) ?? []).flatMap((line) =>
        [line.keyword, ...line.parameters].map((word) => word.text),
      ),
    ];
    if (own.ipv4 === undefined && own.ipv6 === undefined)
      report.error(
        statement,
        "keepalived.garp-group",
        "found neither garp_interval nor gna_interval in this garp_group, expected one of them",
      );
    for (const name of names) groups.set(name, own);
  }
  return (device, family) => groups.get(device)?.[family] ?? general[family];
}

function mailOf(found: Definitions, context: Context): UserMail | undefined {
  const { report } = context;
  const server = found.smtp_server?.at(-1);
  const receivers = (found.notification_email ?? [])
    .flatMap(({ value }) => value)
    .flatMap((line) => [line.keyword, ...line.parameters])
    .filter((word) => isMailAddress(word, report))
    .map((word) => word.text);
  const [host, port] = server?.value ?? [];
  const [first, ...others] = receivers;
  if (host === undefined || first === undefined) return undefined;
  markKeys(context, ["mail"], found, {
    smtp_server: "server",
    notification_email_from: "from",
    notification_email: "to",
    smtp_helo_name: "helo",
    router_id: "routerName",
    smtp_connect_timeout: "connectTimeout",
  });
  const from = last(found.notification_email_from)
    ?.map((word) => word.text)
    .join(" ");
  const timeout = last(found.smtp_connect_timeout);
  const number = port === undefined ? MAIL_PORT : Number(port.text);
  const valid = Number.isInteger(number) && number >= 1 && number <= 65_535;
  if (port !== undefined && !valid)
    report.error(port, "keepalived.value", `found the port ${JSON.stringify(port.text)}`);
  return {
    server: host.text,
    ...(valid && number !== MAIL_PORT ? { port: number } : {}),
    // keepalived@ and the host's name would be the default; it is left to the sender where the host is known.
    from: from ?? "keepalived",
    to: [first, ...others],
    ...present({
      helo: last(found.smtp_helo_name)?.text,
      routerName: last(found.router_id)?.text,
      connectTimeout: timeout === undefined ? undefined : duration(Math.max(1000, timeout)),
    }),
  };
}

function isMailAddress(word: Word, report: Context["report"]): boolean {
  if (/^[^\s@]+(?:@[^\s@]+)?$|<[^<>\s]+>$/.test(word.text) && !/["\r\n]/.test(word.text))
    return true;
  report.error(
    word,
    "keepalived.value",
    `found ${JSON.stringify(word.text)}, expected a mail address`,
  );
  return false;
}

function commandsOf(found: Definitions, context: Context): UserCommands | undefined {
  const timed = (
    line: CommandLine | undefined,
    timeout: number | undefined,
  ): UserCommands["start"] =>
    line === undefined
      ? undefined
      : {
          ...userCommand(line, false, context),
          ...(timeout === undefined ? {} : { timeout: duration(timeout * 1000) }),
        };
  const asked = found.script_user?.at(-1);
  if (asked !== undefined) checkUser(asked.value, asked.statement, true, context);
  const value = present({
    user: asked?.value,
    secure: found.enable_script_security === undefined ? undefined : true,
    start: timed(last(found.startup_script), last(found.startup_script_timeout)),
    stop: timed(last(found.shutdown_script), last(found.shutdown_script_timeout)),
  });
  return Object.keys(value).length > 0 ? value : undefined;
}

const OF_DIRECTOR: readonly DirectorNotificationEvent[] = [
  "up",
  "down",
  "quorum-up",
  "quorum-down",
];

/** The pipes: that for everything, and those for the events of either part. */
function fifosOf(found: Definitions, context: Context): UserNotification[] {
  const priorities = last(found.vrrp_notify_priority_changes) === true;
  const ofRouters: readonly VrrpNotificationEvent[] = [
    "master",
    "backup",
    "fault",
    "stop",
    "contended",
    ...(priorities ? (["priority"] as const) : []),
  ];
  const all = [...ofRouters, ...OF_DIRECTOR];
  return [
    ...fifoOf(found.notify_fifo, found.notify_fifo_script, all, context),
    ...fifoOf(found.vrrp_notify_fifo, found.vrrp_notify_fifo_script, ofRouters, context),
    ...fifoOf(found.lvs_notify_fifo, found.lvs_notify_fifo_script, OF_DIRECTOR, context),
  ];
}

function fifoOf(
  entries: readonly Found<readonly Word[]>[] | undefined,
  readers: readonly Found<CommandLine>[] | undefined,
  on: UserNotification["on"] & {},
  context: Context,
): UserNotification[] {
  const [path, user, owner] = last(entries) ?? [];
  const reader = last(readers);
  if (path === undefined) return [];
  const named = owner?.text.replace(/^:/, "");
  return [
    {
      on,
      fifo: path.text,
      ...(user === undefined
        ? {}
        : { user: named === undefined ? user.text : `${user.text}:${named}` }),
      ...(reader === undefined ? {} : { reader: userCommand(reader, false, context) }),
    },
  ];
}

/** The lines of several blocks of the same kind. */
export function linesIn(
  blocks: readonly Found<readonly Statement[]>[] | undefined,
): readonly Statement[] {
  return (blocks ?? []).flatMap(({ value }) => value);
}
