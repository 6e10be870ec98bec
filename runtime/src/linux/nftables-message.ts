/**
 * Requests to the kernel's packet filter as it reads them (linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h):
 * tables, sets, chains, rules, and the batch that makes all of them one change. Numbers in attributes are big endian.
 */
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { octetCount, octetsOf } from "../packet/address.ts";
import { NLMSG_HEADER_OCTETS, attribute } from "./netlink.ts";

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFGENMSG_OCTETS = 4;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_DELTABLE = 2;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_NEWSET = 9;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const NLA_F_NESTED = 0x8000;

const NFTA_LIST_ELEM = 1;
const NFTA_TABLE_NAME = 1;
const NFTA_TABLE_FLAGS = 2;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_SET_TABLE = 1;
const NFTA_SET_NAME = 2;
const NFTA_SET_KEY_TYPE = 4;
const NFTA_SET_KEY_LEN = 5;
const NFTA_SET_ID = 10;
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_META_DREG = 1;
const NFTA_META_KEY = 2;
const NFTA_PAYLOAD_DREG = 1;
const NFTA_PAYLOAD_BASE = 2;
const NFTA_PAYLOAD_OFFSET = 3;
const NFTA_PAYLOAD_LEN = 4;
const NFTA_CMP_SREG = 1;
const NFTA_CMP_OP = 2;
const NFTA_CMP_DATA = 3;
const NFTA_LOOKUP_SET = 1;
const NFTA_LOOKUP_SREG = 2;
const NFTA_IMMEDIATE_DREG = 1;
const NFTA_IMMEDIATE_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;

const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFPROTO_UNSPEC = 0;
const NFPROTO_INET = 1;
const NF_INET_LOCAL_IN = 1;
const VERDICTS = { drop: 0, accept: 1 } as const;
const OPERATORS = { equal: 0, atMost: 3, atLeast: 5 } as const;
const META = { family: 15, protocol: 16 } as const;
const BASES = { network: 1, transport: 2 } as const;
/** How nft(8) numbers the types of sets; the kernel keeps them for it. */
const KEY_TYPES = { ipv4: 7, ipv6: 8 } as const;
/** An attribute has at most 64 KiB, and an element 28 octets. */
const ELEMENTS_MAX = 1000;

/** One message of a batch. */
export interface Change {
  readonly type: number;
  readonly flags: number;
  readonly attributes: readonly Uint8Array[];
}

/**
 * The changes as one transaction: all of them are made or none. Every message bears the sequence number, and the last
 * change asks for an answer: so the first answer of that number tells how it went, for errors come before it.
 */
export function encodeBatch(changes: readonly Change[], sequence: number): Uint8Array {
  const begin = { type: NFNL_MSG_BATCH_BEGIN, flags: 0, attributes: [] };
  const end = { type: NFNL_MSG_BATCH_END, flags: 0, attributes: [] };
  return joined([
    message(begin, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES, sequence),
    ...changes.map((change, index) => {
      const flags = change.flags | (index === changes.length - 1 ? NLM_F_ACK : 0);
      return message({ ...change, flags }, NFPROTO_INET, 0, sequence);
    }),
    message(end, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES, sequence),
  ]);
}

/** Makes a table; one that exists stays as it is when no flags are given. */
export function newTable(table: string, flags?: number): Change {
  return change(NFT_MSG_NEWTABLE, NLM_F_CREATE, [
    attribute(NFTA_TABLE_NAME, text(table)),
    ...(flags === undefined ? [] : [attribute(NFTA_TABLE_FLAGS, be32(flags))]),
  ]);
}

export function deleteTable(table: string): Change {
  return change(NFT_MSG_DELTABLE, 0, [attribute(NFTA_TABLE_NAME, text(table))]);
}

/** A set of addresses. `id` is its number within the batch. */
export function newSet(table: string, set: string, family: AddressFamily, id: number): Change {
  return change(NFT_MSG_NEWSET, NLM_F_CREATE, [
    attribute(NFTA_SET_TABLE, text(table)),
    attribute(NFTA_SET_NAME, text(set)),
    attribute(NFTA_SET_KEY_TYPE, be32(KEY_TYPES[family])),
    attribute(NFTA_SET_KEY_LEN, be32(octetCount(family))),
    attribute(NFTA_SET_ID, be32(id)),
  ]);
}

/** Puts addresses of the set's family into it; those that are there stay. */
export function addElements(table: string, set: string, addresses: readonly IpAddress[]): Change[] {
  return elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, addresses);
}

/** Takes addresses out of the set. An error where one of them is not there. */
export function removeElements(
  table: string,
  set: string,
  addresses: readonly IpAddress[],
): Change[] {
  return elements(NFT_MSG_DELSETELEM, 0, table, set, addresses);
}

/** A chain for what is addressed to this host; what no rule speaks of is accepted. Lower priorities come first. */
export function newInputChain(table: string, chain: string, priority: number): Change {
  const hook = [
    attribute(NFTA_HOOK_HOOKNUM, be32(NF_INET_LOCAL_IN)),
    attribute(NFTA_HOOK_PRIORITY, be32(priority)),
  ];
  return change(NFT_MSG_NEWCHAIN, NLM_F_CREATE, [
    attribute(NFTA_CHAIN_TABLE, text(table)),
    attribute(NFTA_CHAIN_NAME, text(chain)),
    nested(NFTA_CHAIN_HOOK, hook),
    attribute(NFTA_CHAIN_POLICY, be32(VERDICTS.accept)),
    attribute(NFTA_CHAIN_TYPE, text("filter")),
  ]);
}

/** A rule behind those that the chain has. */
export function newRule(table: string, chain: string, expressions: readonly Uint8Array[]): Change {
  return change(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, [
    attribute(NFTA_RULE_TABLE, text(table)),
    attribute(NFTA_RULE_CHAIN, text(chain)),
    nested(NFTA_RULE_EXPRESSIONS, expressions),
  ]);
}

/** Loads what the kernel knows of the packet: `family` is an NFPROTO, `protocol` what the IP header carries. */
export function loadMeta(key: keyof typeof META): Uint8Array {
  return expression("meta", [
    attribute(NFTA_META_KEY, be32(META[key])),
    attribute(NFTA_META_DREG, be32(NFT_REG_1)),
  ]);
}

/** Loads octets of the packet: of its IP header, or of what the IP header carries. */
export function loadPayload(base: keyof typeof BASES, offset: number, octets: number): Uint8Array {
  return expression("payload", [
    attribute(NFTA_PAYLOAD_DREG, be32(NFT_REG_1)),
    attribute(NFTA_PAYLOAD_BASE, be32(BASES[base])),
    attribute(NFTA_PAYLOAD_OFFSET, be32(offset)),
    attribute(NFTA_PAYLOAD_LEN, be32(octets)),
  ]);
}

/** Goes on with the rule where the octet that was loaded compares so. */
export function compareOctet(operator: keyof typeof OPERATORS, octet: number): Uint8Array {
  return expression("cmp", [
    attribute(NFTA_CMP_SREG, be32(NFT_REG_1)),
    attribute(NFTA_CMP_OP, be32(OPERATORS[operator])),
    nested(NFTA_CMP_DATA, [attribute(NFTA_DATA_VALUE, Uint8Array.of(octet))]),
  ]);
}

/** Goes on with the rule where the set has what was loaded. */
export function lookUp(set: string): Uint8Array {
  return expression("lookup", [
    attribute(NFTA_LOOKUP_SET, text(set)),
    attribute(NFTA_LOOKUP_SREG, be32(NFT_REG_1)),
  ]);
}

export function verdict(code: keyof typeof VERDICTS): Uint8Array {
  const value = nested(NFTA_DATA_VERDICT, [attribute(NFTA_VERDICT_CODE, be32(VERDICTS[code]))]);
  return expression("immediate", [
    attribute(NFTA_IMMEDIATE_DREG, be32(NFT_REG_VERDICT)),
    nested(NFTA_IMMEDIATE_DATA, [value]),
  ]);
}

function change(type: number, flags: number, attributes: readonly Uint8Array[]): Change {
  return { type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, attributes };
}

function elements(
  type: number,
  flags: number,
  table: string,
  set: string,
  addresses: readonly IpAddress[],
): Change[] {
  const changes: Change[] = [];
  for (let from = 0; from < addresses.length; from += ELEMENTS_MAX) {
    const list = addresses.slice(from, from + ELEMENTS_MAX).map((address) => {
      const key = attribute(NFTA_DATA_VALUE, octetsOf(address));
      return nested(NFTA_LIST_ELEM, [nested(NFTA_SET_ELEM_KEY, [key])]);
    });
    changes.push(
      change(type, flags, [
        attribute(NFTA_SET_ELEM_LIST_TABLE, text(table)),
        attribute(NFTA_SET_ELEM_LIST_SET, text(set)),
        nested(NFTA_SET_ELEM_LIST_ELEMENTS, list),
      ]),
    );
  }
  return changes;
}

function expression(name: string, data: readonly Uint8Array[]): Uint8Array {
  return nested(NFTA_LIST_ELEM, [
    attribute(NFTA_EXPR_NAME, text(name)),
    nested(NFTA_EXPR_DATA, data),
  ]);
}

/** A netlink header, struct nfgenmsg (family, version, resource in network order), attributes. */
function message(change: Change, family: number, resource: number, sequence: number): Uint8Array {
  const attributes = joined(change.attributes);
  const header = new DataView(new ArrayBuffer(NLMSG_HEADER_OCTETS + NFGENMSG_OCTETS));
  header.setUint32(0, header.byteLength + attributes.length, true);
  header.setUint16(4, change.type, true);
  header.setUint16(6, change.flags | NLM_F_REQUEST, true);
  header.setUint32(8, sequence, true);
  header.setUint8(NLMSG_HEADER_OCTETS, family);
  header.setUint16(NLMSG_HEADER_OCTETS + 2, resource);
  return joined([new Uint8Array(header.buffer), attributes]);
}

function nested(type: number, parts: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, joined(parts));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

/** Of negative numbers, the two's complement. */
function be32(value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value);
  return new Uint8Array(bytes.buffer);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
