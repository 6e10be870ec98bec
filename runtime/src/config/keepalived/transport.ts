/** Whom a virtual router sends to, and from which address: `unicast_peer`, `mcast_dst_ip` and their kin. */
import { familyOf, isMulticast, parseAddress } from "../../packet/address.ts";
import type { UserVirtualRouter } from "../define.ts";
import type { Context } from "./context.ts";
import { present } from "./context.ts";
import type { Globals } from "./global.ts";
import type { Block, Grammar, Statement } from "./keyword.ts";
import { flag, ignored, integer, integerOf, last, lines, text, words } from "./keyword.ts";

export const transportGrammar = {
  mcast_src_ip: text("an address"),
  unicast_src_ip: text("an address"),
  mcast_dst_ip: text("a multicast address"),
  unicast_peer: lines(),
  unicast_fault_no_peer: ignored("without a peer nothing is sent to a multicast group instead"),
  unicast_ttl: integer(0, 255),
  check_unicast_src: flag(),
  old_unicast_checksum: words("", 0),
} as const satisfies Grammar;

type Instance = Block<typeof transportGrammar>;

/** The address to send from. */
export function sourceOf(
  found: Instance,
  family: "ipv4" | "ipv6",
  { report }: Context,
): string | undefined {
  const word = last(found.unicast_src_ip) ?? last(found.mcast_src_ip);
  if (word === undefined) return undefined;
  const host = word.text.replace(/\/\d+$/, "");
  const address = parseAddress(host);
  if (address !== undefined && familyOf(address) === family) return host;
  report.error(
    word,
    "keepalived.address",
    `found ${JSON.stringify(word.text)}, expected an ${family === "ipv4" ? "IPv4" : "IPv6"} address of this host`,
  );
  return undefined;
}

/** Whom to send to; undefined parts where it is the usual group. */
export function transportOf(
  found: Instance,
  family: "ipv4" | "ipv6",
  globals: Globals,
  context: Context,
): Pick<UserVirtualRouter, "multicast" | "unicast"> {
  const { report } = context;
  const peers = (found.unicast_peer ?? [])
    .flatMap(({ value }) => value)
    .flatMap((line) => peerOf(line, family, context));
  if (peers.length > 0) {
    const given = found.unicast_ttl?.at(-1);
    const ttl = given?.value === 0 ? undefined : given?.value;
    if (given?.value === 0)
      report.warning(
        given.statement,
        "keepalived.no-effect",
        "found a TTL of 0, with which nothing leaves this host; 255 is used",
      );
    const only = found.check_unicast_src !== undefined || globals.checkUnicastSource;
    return {
      unicast: { peers, ...present({ ttl, onlyPeers: only ? true : undefined }) },
    };
  }
  const own = last(found.mcast_dst_ip);
  if (own !== undefined) {
    const address = parseAddress(own.text);
    if (address !== undefined && isMulticast(address) && familyOf(address) === family)
      return { multicast: { group: own.text } };
    report.error(own, "keepalived.address", `found ${own.text}, expected a multicast address`);
  }
  const group = family === "ipv4" ? globals.multicastGroup4 : globals.multicastGroup6;
  return group === undefined ? {} : { multicast: { group } };
}

type Peer = NonNullable<UserVirtualRouter["unicast"]>["peers"][number];

function peerOf(line: Statement, family: "ipv4" | "ipv6", { report }: Context): Peer[] {
  const { keyword, parameters } = line;
  // keepalived takes a prefix length here as well, and makes nothing of it.
  const host = keyword.text.replace(/\/\d+$/, "");
  const address = parseAddress(host);
  if (address === undefined || familyOf(address) !== family || isMulticast(address)) {
    report.error(
      keyword,
      "keepalived.address",
      `found ${JSON.stringify(keyword.text)}, expected the ${family === "ipv4" ? "IPv4" : "IPv6"} address of another host; keepalived leaves it out`,
    );
    return [];
  }
  const bounds: { minimumTtl?: number; maximumTtl?: number } = {};
  for (let index = 0; index < parameters.length; index += 2) {
    const option = parameters[index];
    const value = parameters[index + 1];
    const key = { min_ttl: "minimumTtl", max_ttl: "maximumTtl" }[option?.text ?? ""] as
      | keyof typeof bounds
      | undefined;
    if (option === undefined || value === undefined || key === undefined) {
      report.error(
        option ?? keyword,
        "keepalived.unknown-word",
        `found ${JSON.stringify(option?.text)}, expected min_ttl N or max_ttl N`,
      );
      break;
    }
    const bound = integerOf(value, 0, 255, report);
    if (bound !== undefined) bounds[key] = bound;
  }
  return [Object.keys(bounds).length === 0 ? host : { address: host, ...bounds }];
}
