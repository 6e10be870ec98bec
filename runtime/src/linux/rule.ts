/** Policy routing rules, by netlink (linux/fib_rules.h): added, removed. */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { octetsOf } from "../packet/address.ts";
import type { NetlinkSocket } from "./netlink.ts";
import { attribute } from "./netlink.ts";

const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const AF_INET = 2;
const AF_INET6 = 10;
const FIB_RULE_HDR_OCTETS = 12;
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_PROTOCOL = 21;
const FIB_RULE_INVERT = 2;
/** RTPROT_KEEPALIVED: rules of a VRRP daemon. */
const PROTOCOL = 18;
const ACTIONS = { lookup: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const ENOENT = 2;
const EEXIST = 17;

interface Prefix {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

export interface Rule {
  readonly family: AddressFamily;
  readonly from?: Prefix | undefined;
  readonly to?: Prefix | undefined;
  readonly inputInterface?: string | undefined;
  readonly outputInterface?: string | undefined;
  readonly mark?: { readonly value: number; readonly mask: number } | undefined;
  readonly table?: number | undefined;
  readonly action?: keyof typeof ACTIONS | undefined;
  /** Lower ones are looked at first. */
  readonly preference?: number | undefined;
  /** Matches what it would not match otherwise. */
  readonly not?: boolean | undefined;
}

/** @returns 0 (also when it was there), or the errno. */
export function addRule(netlink: NetlinkSocket, rule: Rule): number {
  const { errno } = netlink.change(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, message(rule));
  return errno === EEXIST ? 0 : errno;
}

/** @returns 0 when it is gone (also when it was not there), or the errno. */
export function removeRule(netlink: NetlinkSocket, rule: Rule): number {
  const { errno } = netlink.change(RTM_DELRULE, 0, message(rule));
  return errno === ENOENT ? 0 : errno;
}

function message(rule: Rule): Uint8Array {
  const { from, to, inputInterface, outputInterface, mark, table = 0, preference } = rule;
  const header = new Uint8Array(FIB_RULE_HDR_OCTETS);
  header[0] = rule.family === "ipv4" ? AF_INET : AF_INET6;
  header[1] = to?.prefixLength ?? 0;
  header[2] = from?.prefixLength ?? 0;
  // Larger tables are told by their attribute alone.
  header[4] = table > 255 ? 0 : table;
  header[7] = ACTIONS[rule.action ?? "lookup"];
  header[8] = rule.not === true ? FIB_RULE_INVERT : 0;
  const parts = [header, attribute(FRA_PROTOCOL, Uint8Array.of(PROTOCOL))];
  const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
  if (table !== 0) parts.push(attribute(FRA_TABLE, uint32(table)));
  if (from !== undefined) parts.push(attribute(FRA_SRC, octetsOf(from.address)));
  if (to !== undefined) parts.push(attribute(FRA_DST, octetsOf(to.address)));
  if (inputInterface !== undefined) parts.push(attribute(FRA_IIFNAME, text(inputInterface)));
  if (outputInterface !== undefined) parts.push(attribute(FRA_OIFNAME, text(outputInterface)));
  if (mark !== undefined)
    parts.push(attribute(FRA_FWMARK, uint32(mark.value)), attribute(FRA_FWMASK, uint32(mark.mask)));
  if (preference !== undefined) parts.push(attribute(FRA_PRIORITY, uint32(preference)));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function uint32(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value, true);
  return new Uint8Array(bytes.buffer);
}
