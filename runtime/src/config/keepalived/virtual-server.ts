/** `virtual_server`, `virtual_server_group`, `real_server`: services that are spread over real servers. */
import type { UserRealServer, UserVirtualServer, UserVirtualService } from "../define-director.ts";
import { checkerGrammar, checkersOf, timingGrammar, timingOf } from "./checker.ts";
import type { CommandLine } from "./command.ts";
import { command, userCommand } from "./command.ts";
import type { Context } from "./context.ts";
import { duration, present } from "./context.ts";
import { endpointOf, groupLine } from "./endpoint.ts";
import { granularity, method } from "./forwarding-method.ts";
import type { Block, Found, Grammar, Keyword, Report, Section, Statement } from "./keyword.ts";
import {
  block,
  boolean,
  custom,
  flag,
  ignored,
  integer,
  integerOf,
  last,
  obsolete,
  oneOf,
  required,
  text,
  words,
} from "./keyword.ts";
import type { Word } from "./word.ts";
import { SCHEDULERS } from "../../director/config.ts";

const WEIGHT_MAX = 2_147_483_647;
const PERSISTENCE_SECONDS_MAX = 2_678_400;
const PERSISTENCE_SECONDS = 360;
const DIRECTOR_NAMES = ignored("there is no SNMP agent");

const FLAGS = [
  "flag-1",
  "flag-2",
  "flag-3",
  "sh-port",
  "sh-fallback",
  "mh-port",
  "mh-fallback",
] as const;

const protocol: Keyword<"TCP" | "UDP" | "SCTP"> = custom((statement, report) => {
  const word = required(statement, 0, "TCP, UDP or SCTP", report);
  const found = (["TCP", "UDP", "SCTP"] as const).find((name) => name === word?.text.toUpperCase());
  if (word !== undefined && found === undefined)
    report.error(
      word,
      "keepalived.value",
      `found ${JSON.stringify(word.text)}, expected TCP, UDP or SCTP`,
    );
  return found;
});

const realServerGrammar = {
  ...timingGrammar,
  weight: integer(0, WEIGHT_MAX),
  lvs_method: method,
  lb_kind: method,
  uthreshold: integer(0, 0xffff_ffff),
  lthreshold: integer(0, 0xffff_ffff),
  inhibit_on_failure: boolean(),
  notify_up: command(),
  notify_down: command(),
  alpha: boolean(),
  smtp_alert: boolean(),
  virtualhost: text("a host"),
  snmp_name: DIRECTOR_NAMES,
  ...checkerGrammar,
} as const satisfies Grammar;

const endpointParameters = { expected: "an address", minimum: 1, maximum: 2 };

const virtualServerGrammar = {
  ...timingGrammar,
  ip_family: oneOf(["inet", "inet6"]),
  inhibit_on_failure: flag(),
  lb_algo: oneOf(SCHEDULERS),
  lvs_sched: oneOf(SCHEDULERS),
  hashed: flag(),
  ops: flag(),
  ...(Object.fromEntries(FLAGS.map((name) => [name, flag()])) as Record<
    (typeof FLAGS)[number],
    Keyword<true>
  >),
  lb_kind: method,
  lvs_method: method,
  nat_mask: obsolete("keepalived has no such keyword any more; NAT needs no mask"),
  persistence_engine: text("sip"),
  persistence_timeout: integer(1, PERSISTENCE_SECONDS_MAX, PERSISTENCE_SECONDS),
  persistence_granularity: granularity,
  protocol,
  ha_suspend: flag(),
  smtp_alert: boolean(),
  virtualhost: text("a host"),
  snmp_name: DIRECTOR_NAMES,
  alpha: flag(),
  omega: flag(),
  quorum_up: command(),
  quorum_down: command(),
  quorum: integer(1, WEIGHT_MAX),
  hysteresis: integer(0, WEIGHT_MAX),
  weight: integer(1, WEIGHT_MAX),
  sorry_server: words("an address, and a port"),
  sorry_server_inhibit: flag(),
  sorry_server_lvs_method: method,
  real_server: { ...block(realServerGrammar, endpointParameters), repeats: true },
} as const satisfies Grammar;

/** `virtual_server_group NAME { ... }`: lines of addresses, ranges and marks. */
const group: Keyword<{ readonly name: Word; readonly lines: readonly Statement[] }> = {
  body: "lines",
  repeats: true,
  read(statement, report) {
    const name = required(statement, 0, "the group's name", report);
    return name === undefined ? undefined : { name, lines: statement.statements ?? [] };
  },
};

/** The root keywords of this part. */
export const virtualServerRoot = {
  virtual_server: {
    ...block(virtualServerGrammar, {
      expected: "an address and a port, fwmark N, or group NAME",
      minimum: 1,
      maximum: 2,
    }),
    repeats: true,
  },
  virtual_server_group: group,
} as const satisfies Grammar;

/** The virtual servers by what they serve. Those without a real server are left out, as in keepalived. */
export function virtualServersOf(
  root: Block<typeof virtualServerRoot>,
  mail: boolean | undefined,
  context: Context,
): Record<string, UserVirtualServer> {
  const groups = new Map<string, readonly UserVirtualService[]>();
  for (const { value } of root.virtual_server_group ?? [])
    groups.set(
      value.name.text,
      value.lines.flatMap((line) => groupLine(line, context.report)),
    );
  const servers: Record<string, UserVirtualServer> = {};
  for (const found of root.virtual_server ?? []) {
    const server = virtualServerOf(found, groups, mail, context);
    if (server === undefined) continue;
    const words = found.value.parameters.map((word) => word.text).join(" ");
    const name = Object.hasOwn(servers, words) ? `${words} ${server.protocol}` : words;
    context.mark(["virtualServers", name], found.statement);
    servers[name] = server;
  }
  return servers;
}

function virtualServerOf(
  { value, statement }: Found<Section<typeof virtualServerGrammar>>,
  groups: ReadonlyMap<string, readonly UserVirtualService[]>,
  mailDefault: boolean | undefined,
  context: Context,
): UserVirtualServer | undefined {
  const { report } = context;
  const { block: found, parameters } = value;
  const services = servicesOf(parameters, found, groups, report);
  const ipv6 = typeof services?.[0] === "string" ? services[0].startsWith("[") : undefined;
  const sameFamily = (server: string, at: Statement): boolean => {
    if (ipv6 === undefined || server.startsWith("[") === ipv6) return true;
    report.error(
      at,
      "keepalived.family",
      `found ${server} for a service of the other family; keepalived leaves it out`,
    );
    return false;
  };
  const realServers = (found.real_server ?? []).flatMap((entry) =>
    realServerOf(entry, mailDefault, context).filter(({ server }) =>
      sameFamily(server, entry.statement),
    ),
  );
  if (services === undefined) return undefined;
  if (realServers.length === 0) {
    report.error(
      statement,
      "keepalived.virtual-server",
      "found a virtual_server without a real_server; keepalived leaves it out",
    );
    return undefined;
  }
  if (found.protocol === undefined)
    report.warning(
      statement,
      "keepalived.protocol",
      "found no protocol; keepalived takes UDP, and so does karuntime",
      "write protocol TCP",
    );
  if (found.lb_kind === undefined && found.lvs_method === undefined)
    report.warning(
      statement,
      "keepalived.forwarding",
      "found no lb_kind; keepalived takes NAT, and so does karuntime",
    );
  const everyPort = services.some(
    (service) => typeof service === "string" && !/:\d+$/.test(service),
  );
  const persistence = persistenceOf(found);
  const total = realServers.reduce(
    (sum, { weight }) => sum + (weight ?? last(found.weight) ?? 1),
    0,
  );
  const mail = last(found.smtp_alert) ?? mailDefault;
  const flags = FLAGS.filter((name) => found[name] !== undefined);
  const onUp = commandOf(found.quorum_up, context);
  const onDown = commandOf(found.quorum_down, context);
  return {
    services,
    protocol: last(found.protocol) ?? "UDP",
    ...timingOf({ ...timed(found) }),
    ...present({
      startsDown: found.alpha === undefined ? undefined : true,
      scheduler: last(found.lvs_sched) ?? last(found.lb_algo),
      schedulerFlags: flags.length > 0 ? flags : undefined,
      onePacket: found.ops === undefined ? undefined : true,
      forwarding: last(found.lvs_method) ?? last(found.lb_kind),
      persistence: persistence ?? (everyPort ? {} : undefined),
      ...quorumOf(found, total, report),
      onQuorumUp: onUp,
      onQuorumDown: onDown,
      omega: found.omega === undefined ? undefined : true,
      suspendWithoutAddress: found.ha_suspend === undefined ? undefined : true,
      mail,
      sorryServer: sorryServerOf(found, sameFamily, report),
      inhibitOnFailure: found.inhibit_on_failure === undefined ? undefined : true,
      host: last(found.virtualhost)?.text,
      weight: last(found.weight),
    }),
    realServers,
  };
}

/** The timing alone: `alpha` of a virtual server is a flag. */
function timed(found: Block<typeof virtualServerGrammar>): Block<typeof timingGrammar> {
  const { retry, delay_before_retry, warmup, delay_loop, connect_timeout } = found;
  return present({ retry, delay_before_retry, warmup, delay_loop, connect_timeout });
}

function servicesOf(
  parameters: readonly Word[],
  found: Block<typeof virtualServerGrammar>,
  groups: ReadonlyMap<string, readonly UserVirtualService[]>,
  report: Report,
): readonly UserVirtualService[] | undefined {
  const [first, second] = parameters;
  if (first === undefined) return undefined;
  if (first.text === "group") {
    const services = groups.get(second?.text ?? "");
    if (services !== undefined && services.length > 0) return services;
    report.error(
      second ?? first,
      "keepalived.unknown-reference",
      `there is no usable virtual_server_group named ${JSON.stringify(second?.text ?? "")}`,
    );
    return undefined;
  }
  if (first.text === "fwmark") {
    const mark = second === undefined ? undefined : integerOf(second, 1, 0xffff_ffff, report);
    if (mark === undefined) return undefined;
    const family = last(found.ip_family);
    return [
      { mark, ...(family === undefined ? {} : { family: family === "inet" ? "ipv4" : "ipv6" }) },
    ];
  }
  const service = endpointOf(first, second, report);
  return service === undefined ? undefined : [service];
}

function persistenceOf(
  found: Block<typeof virtualServerGrammar>,
): UserVirtualServer["persistence"] {
  const timeout = last(found.persistence_timeout);
  const mask = last(found.persistence_granularity);
  const engine = last(found.persistence_engine)?.text;
  if (timeout === undefined && mask === undefined && engine === undefined) return undefined;
  return present({
    timeout: timeout === undefined ? undefined : duration(timeout * 1000),
    granularity: mask,
    engine,
  });
}

function quorumOf(
  found: Block<typeof virtualServerGrammar>,
  total: number,
  report: Report,
): Pick<UserVirtualServer, "quorum" | "hysteresis"> {
  const given = found.quorum?.at(-1);
  const quorum = given === undefined ? undefined : Math.max(1, Math.min(given.value, total));
  if (given !== undefined && quorum !== given.value)
    report.warning(
      given.statement,
      "keepalived.quorum",
      `found the quorum ${given.value}, and all weights come to ${total}: ${quorum} is used`,
    );
  const width = found.hysteresis?.at(-1);
  if (width === undefined) return present({ quorum });
  const most = (quorum ?? 1) - 1;
  if (width.value > most)
    report.warning(
      width.statement,
      "keepalived.hysteresis",
      `found the hysteresis ${width.value}, expected less than the quorum: ${most} is used`,
    );
  return present({ quorum, hysteresis: Math.min(width.value, most) });
}

function sorryServerOf(
  found: Block<typeof virtualServerGrammar>,
  sameFamily: (server: string, at: Statement) => boolean,
  report: Report,
): UserVirtualServer["sorryServer"] {
  const given = found.sorry_server?.at(-1);
  const [host, port] = given?.value ?? [];
  const server = host === undefined ? undefined : endpointOf(host, port, report);
  if (given === undefined || server === undefined || !sameFamily(server, given.statement))
    return undefined;
  return {
    server,
    ...present({
      forwarding: last(found.sorry_server_lvs_method),
      inhibit: found.sorry_server_inhibit === undefined ? undefined : true,
    }),
  };
}

function realServerOf(
  { value }: Found<Section<typeof realServerGrammar>>,
  mailDefault: boolean | undefined,
  context: Context,
): UserRealServer[] {
  const { block: found, parameters } = value;
  const [host, port] = parameters;
  const server = host === undefined ? undefined : endpointOf(host, port, context.report);
  const checkers = checkersOf(found, context);
  const onUp = commandOf(found.notify_up, context);
  const onDown = commandOf(found.notify_down, context);
  if (server === undefined) return [];
  return [
    {
      server,
      ...timingOf(found),
      ...present({
        weight: last(found.weight),
        forwarding: last(found.lvs_method) ?? last(found.lb_kind),
        upperThreshold: last(found.uthreshold),
        lowerThreshold: last(found.lthreshold),
        inhibitOnFailure: last(found.inhibit_on_failure),
        onUp,
        onDown,
        mail: last(found.smtp_alert) ?? mailDefault,
        host: last(found.virtualhost)?.text,
      }),
      ...(checkers.length > 0 ? { checkers } : {}),
    },
  ];
}

function commandOf(
  entries: readonly Found<CommandLine>[] | undefined,
  context: Context,
): UserVirtualServer["onQuorumUp"] {
  const line = last(entries);
  return line === undefined ? undefined : userCommand(line, false, context);
}
