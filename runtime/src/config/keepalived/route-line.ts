/** The lines of `virtual_routes`, `virtual_rules` and their `static_` kin. */
import { parseAddress } from "../../packet/address.ts";
import type { UserRoute, UserRule } from "../define.ts";
import { parsePrefix } from "../values.ts";
import type { Context } from "./context.ts";
import { present } from "./context.ts";
import type { Report, Statement } from "./keyword.ts";
import { integerOf } from "./keyword.ts";
import { wordsOfLine } from "./word-list.ts";
import type { Word } from "./word.ts";

const UINT32 = 0xffff_ffff;
const MTU_MIN = 68;
const MTU_MAX = 65_535;
const ROUTE_TYPES = ["unicast", "blackhole", "unreachable", "prohibit"] as const;
const ROUTE_SCOPES: Readonly<Record<string, "global" | "link" | "host">> = {
  global: "global",
  "0": "global",
  link: "link",
  "253": "link",
  host: "host",
  "254": "host",
};
const TABLES: Readonly<Record<string, number>> = { main: 254, local: 255, default: 253 };
/** Route words with one parameter that the kernel would take and karuntime does not hand on. */
const ROUTE_UNSUPPORTED = [
  "tos",
  "dsfield",
  "protocol",
  "advmss",
  "hoplimit",
  "rtt",
  "rttvar",
  "reordering",
  "window",
  "cwnd",
  "ssthresh",
  "realms",
  "rto_min",
  "initcwnd",
  "initrwnd",
  "features",
  "quickack",
  "congctl",
  "pref",
  "expires",
  "ttl-propagate",
  "encap",
  "vrf",
  "nexthop",
  "or",
  "weight",
];

/** Reads a route line, or reports why it is of no use. */
export function readRouteLine(
  statement: Statement,
  { report, host }: Context,
): UserRoute | undefined {
  const words = wordsOfLine(statement, report);
  const route: { -readonly [K in keyof UserRoute]?: UserRoute[K] } = {};
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const of = word;
    const parameter = (expected: string): Word | undefined => words.parameter(of, expected);
    const type = ROUTE_TYPES.find((name) => name === of.text);
    if (type !== undefined) route.type = type;
    else if (of.text === "via" || of.text === "gw") {
      const first = parameter("a gateway's address");
      const gateway = first?.text.startsWith("inet") === true ? parameter("an address") : first;
      if (gateway !== undefined) route.via = gateway.text;
    } else if (of.text === "dev") {
      route.device = parameter("an interface")?.text ?? "";
      if (!host.interfaces().has(route.device))
        report.warning(
          of,
          "keepalived.no-such-interface",
          `there is no interface ${route.device} on this host; keepalived leaves the route out`,
        );
    } else if (of.text === "src") route.source = parameter("an address")?.text.split("/")[0] ?? "";
    else if (of.text === "to") setDestination(route, parameter("a prefix"), report);
    else if (of.text === "table")
      route.table = numberOf(parameter("a table"), TABLES, report) ?? 254;
    else if (["metric", "priority", "preference"].includes(of.text))
      route.metric = numberOf(parameter("a number"), {}, report) ?? 0;
    else if (of.text === "mtu") {
      const first = parameter("a number");
      const value = first?.text === "lock" ? parameter("a number") : first;
      const mtu = value === undefined ? undefined : integerOf(value, MTU_MIN, MTU_MAX, report);
      if (mtu !== undefined) route.mtu = mtu;
    } else if (of.text === "scope") {
      const scope = ROUTE_SCOPES[parameter("a scope")?.text ?? ""];
      if (scope === undefined)
        report.error(of, "keepalived.value", "expected the scope global, link or host");
      else route.scope = scope;
    } else if (of.text === "onlink") route.onLink = true;
    else if (of.text === "inet" || of.text === "inet6")
      route.family = of.text === "inet" ? "ipv4" : "ipv6";
    else if (["no_track", "add", "prepend", "append"].includes(of.text))
      report.warning(of, "keepalived.no-effect", `${of.text} has no effect here`);
    else if (of.text === "track_group") {
      parameter("a group");
      report.warning(
        of,
        "keepalived.no-effect",
        "track_group has no effect: static routes that disappear are not tracked",
      );
    } else if (ROUTE_UNSUPPORTED.includes(of.text)) {
      report.error(
        of,
        "keepalived.unsupported",
        `${of.text} is not supported in a route; the rest of this line is left out`,
      );
      break;
    } else if (route.to === undefined) setDestination(route, of, report);
    else {
      report.error(
        of,
        "keepalived.unknown-word",
        `found ${JSON.stringify(of.text)} after a route, expected one route on each line; the rest of this line is left out`,
      );
      break;
    }
  }
  const { to } = route;
  if (to === undefined) {
    report.error(
      statement,
      "keepalived.route",
      "found a route without a destination, expected a prefix or default",
    );
    return undefined;
  }
  const needsWay = route.type === undefined || route.type === "unicast";
  if (needsWay && route.via === undefined && route.device === undefined) {
    report.error(
      statement,
      "keepalived.route",
      "found a route with neither via nor dev, expected one of them",
    );
    return undefined;
  }
  const all = { ...route, to };
  const addresses = [all.to.split("/")[0] ?? "", all.via, all.source];
  const families = new Set(
    addresses.flatMap((address) =>
      address === undefined || parseAddress(address) === undefined ? [] : address.includes(":"),
    ),
  );
  if (families.size > 1) {
    report.error(
      statement,
      "keepalived.family",
      "found addresses of both families in one route; it is left out",
    );
    return undefined;
  }
  const tells = addresses.some(
    (address) => address !== undefined && parseAddress(address) !== undefined,
  );
  return tells || all.family !== undefined ? all : { ...all, family: "ipv4" };
}

function setDestination(
  route: { to?: string; family?: "ipv4" | "ipv6" },
  word: Word | undefined,
  report: Report,
): void {
  if (word === undefined) return;
  if (["default", "any", "all", "default6"].includes(word.text)) {
    route.to = "default";
    if (word.text === "default6") route.family = "ipv6";
  } else if (parsePrefix(word.text) === undefined)
    report.error(
      word,
      "keepalived.address",
      `found ${JSON.stringify(word.text)}, expected a prefix such as 198.51.100.0/24, or default`,
    );
  else route.to = word.text;
}

function numberOf(
  word: Word | undefined,
  names: Readonly<Record<string, number>>,
  report: Report,
): number | undefined {
  if (word === undefined) return undefined;
  return Object.hasOwn(names, word.text) ? names[word.text] : integerOf(word, 0, UINT32, report);
}

const RULE_ACTIONS = ["blackhole", "unreachable", "prohibit"] as const;

/** Reads a rule line, or reports why it is of no use. */
export function readRuleLine(statement: Statement, report: Report): UserRule | undefined {
  const words = wordsOfLine(statement, report);
  const rule: { -readonly [K in keyof UserRule]?: UserRule[K] } = {};
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const of = word;
    const parameter = (expected: string): Word | undefined => words.parameter(of, expected);
    const prefix = (): string | undefined => {
      const given = parameter("a prefix");
      if (given === undefined || ["all", "any", "default"].includes(given.text)) return undefined;
      if (parsePrefix(given.text) !== undefined) return given.text;
      report.error(
        given,
        "keepalived.address",
        `found ${JSON.stringify(given.text)}, expected a prefix`,
      );
      return undefined;
    };
    const action = RULE_ACTIONS.find((name) => name === of.text);
    if (action !== undefined) rule.action = action;
    else if (of.text === "type") continue;
    else if (of.text === "from") Object.assign(rule, present({ from: prefix() }));
    else if (of.text === "to") Object.assign(rule, present({ to: prefix() }));
    else if (of.text === "iif" || of.text === "dev")
      rule.inputInterface = parameter("an interface")?.text ?? "";
    else if (of.text === "oif") rule.outputInterface = parameter("an interface")?.text ?? "";
    else if (of.text === "fwmark") {
      const [value = "", mask] = (parameter("a mark")?.text ?? "").split("/");
      rule.mark = { value: Number(value), ...(mask === undefined ? {} : { mask: Number(mask) }) };
    } else if (of.text === "table" || of.text === "lookup")
      rule.table = numberOf(parameter("a table"), TABLES, report) ?? 254;
    else if (["preference", "priority", "order"].includes(of.text))
      rule.preference = numberOf(parameter("a number"), {}, report) ?? 0;
    else if (of.text === "not") rule.not = true;
    else if (of.text === "inet" || of.text === "inet6")
      rule.family = of.text === "inet" ? "ipv4" : "ipv6";
    else if (of.text === "no_track")
      report.warning(of, "keepalived.no-effect", "no_track has no effect here");
    else {
      report.error(
        of,
        "keepalived.unsupported",
        `found ${JSON.stringify(of.text)}, which is not supported in a rule; the rule is left out`,
      );
      return undefined;
    }
  }
  if (rule.table === undefined && rule.action === undefined) {
    report.error(
      statement,
      "keepalived.rule",
      "found a rule without a table, expected one to look up, or blackhole, unreachable or prohibit",
    );
    return undefined;
  }
  return rule;
}
