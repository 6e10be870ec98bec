/**
 * A table of our own in the kernel's packet filter (linux/netfilter/nf_tables.h, nfnetlink.h), which drops what is sent to
 * certain addresses of this host, neighbour discovery excepted. It belongs to our socket: when this process dies in
 * whatever way, the kernel removes it.
 */
import { closeSync } from "node:fs";
import type { IpAddress } from "../packet/address.ts";
import { familyOf, octetsOf } from "../packet/address.ts";
import {
  AF_NETLINK,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVTIMEO,
  bind,
  describeErrno,
  lastError,
  recv,
  sendto,
  setsockopt,
  socket,
} from "./libc.ts";
import { NLMSG_HEADER_OCTETS, attribute, netlinkAddress, parseNetlink } from "./netlink.ts";

const NETLINK_NETFILTER = 12;
const SUBSYSTEM_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG = {
  newTable: 0,
  deleteTable: 2,
  newChain: 3,
  newRule: 6,
  newSet: 9,
  addElement: 12,
  deleteElement: 14,
} as const;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const NFPROTO = { inet: 1, ipv4: 2, ipv6: 10 } as const;
/** The table goes with the socket that made it. */
const NFT_TABLE_F_OWNER = 2;
const NF_INET_LOCAL_IN = 1;
const VERDICTS = { drop: 0, accept: 1 } as const;
const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFT_META_NFPROTO = 15;
const NFT_META_L4PROTO = 16;
const PAYLOAD_NETWORK = 1;
const PAYLOAD_TRANSPORT = 2;
/** Types as nft(8) names them, so that `nft list ruleset` can show the sets. */
const SETS = {
  ipv4: { name: "addresses4", type: 7, octets: 4, offset: 16 },
  ipv6: { name: "addresses6", type: 8, octets: 16, offset: 24 },
} as const;
/** Before the filters of others. */
const PRIORITY = -1;
const PROTOCOL_ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const CHAIN = "input";
const BUFFER_OCTETS = 64 * 1024;
/** Never reached while the kernel lives: it has answered before send(2) returns. */
const ANSWER_SECONDS_MAX = 2;

export interface VipFilter {
  /** Drops what is sent to these from now on. */
  add(addresses: readonly IpAddress[]): void;
  remove(addresses: readonly IpAddress[]): void;
  /** Takes the table away. */
  close(): void;
}

/** One message of a transaction. */
interface Change {
  readonly type: number;
  readonly flags: number;
  readonly attributes: readonly Uint8Array[];
}

/** @throws Error when the kernel refuses. */
export function openVipFilter(table = "karuntime"): VipFilter {
  const descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (descriptor < 0) throw new Error(`no netfilter socket: ${lastError()}`);
  if (bind(descriptor, netlinkAddress(0), 12) < 0)
    throw new Error(`netfilter bind: ${lastError()}`);
  const timeout = new BigInt64Array([BigInt(ANSWER_SECONDS_MAX), 0n]);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeout.buffer), 16);
  const present = new Set<IpAddress>();

  commit(descriptor, "make the packet filter's table", [
    create(NFT_MSG.newTable, [text(1, table), be32(2, NFT_TABLE_F_OWNER)]),
    ...Object.values(SETS).map((set, index) =>
      create(NFT_MSG.newSet, [
        text(1, table),
        text(2, set.name),
        be32(3, 0),
        be32(4, set.type),
        be32(5, set.octets),
        be32(10, index + 1),
      ]),
    ),
    create(NFT_MSG.newChain, [
      text(1, table),
      text(3, CHAIN),
      nested(4, [be32(1, NF_INET_LOCAL_IN), be32(2, PRIORITY)]),
      be32(5, VERDICTS.accept),
      text(7, "filter"),
    ]),
    rule(table, [...family("ipv4"), ...destinationIn("ipv4"), verdict("drop")]),
    // RFC 9568 section 6.1: these are never dropped.
    ...[NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT].map((type) =>
      rule(table, [
        ...family("ipv6"),
        meta(NFT_META_L4PROTO),
        equal([PROTOCOL_ICMPV6]),
        payload(PAYLOAD_TRANSPORT, 0, 1),
        equal([type]),
        verdict("accept"),
      ]),
    ),
    rule(table, [...family("ipv6"), ...destinationIn("ipv6"), verdict("drop")]),
  ]);

  function change(what: string, type: number, addresses: readonly IpAddress[]): void {
    commit(
      descriptor,
      what,
      addresses.map((address) => ({
        type,
        flags: type === NFT_MSG.addElement ? NLM_F_CREATE : 0,
        attributes: [
          text(1, table),
          text(2, SETS[familyOf(address)].name),
          nested(3, [nested(1, [nested(1, [attribute(1, octetsOf(address))])])]),
        ],
      })),
    );
  }

  return {
    add(addresses) {
      const missing = addresses.filter((address) => !present.has(address));
      change("filter an address", NFT_MSG.addElement, missing);
      for (const address of missing) present.add(address);
    },
    remove(addresses) {
      const there = addresses.filter((address) => present.delete(address));
      change("filter an address no more", NFT_MSG.deleteElement, there);
    },
    close: () => closeSync(descriptor),
  };
}

/** All of it or none. @throws Error with the first errno. */
function commit(descriptor: number, what: string, changes: readonly Change[]): void {
  if (changes.length === 0) return;
  const messages = [
    message(NFNL_MSG_BATCH_BEGIN, 0, 0, SUBSYSTEM_NFTABLES, []),
    ...changes.map(({ type, flags, attributes }, index) =>
      message(
        (SUBSYSTEM_NFTABLES << 8) | type,
        flags | NLM_F_ACK,
        NFPROTO.inet,
        0,
        attributes,
        index + 1,
      ),
    ),
    message(NFNL_MSG_BATCH_END, 0, 0, SUBSYSTEM_NFTABLES, []),
  ];
  const batch = joined(messages);
  const kernel = netlinkAddress(0);
  if (sendto(descriptor, batch, batch.length, 0, kernel, kernel.length) < 0)
    throw new Error(`could not ${what}: ${lastError()}`);
  const buffer = new Uint8Array(BUFFER_OCTETS);
  let errno = 0;
  for (let answers = 0; answers < changes.length;) {
    const length = recv(descriptor, buffer, buffer.length, 0);
    if (length < 0) throw new Error(`could not ${what}: ${lastError()}`);
    for (const answer of parseNetlink(buffer.subarray(0, length))) {
      if (answer.type !== NLMSG_ERROR) continue;
      answers++;
      errno ||= -answer.payload.getInt32(0, true);
    }
    if (errno !== 0) break;
  }
  if (errno !== 0) throw new Error(`could not ${what}: ${describeErrno(errno)}`);
}

function message(
  type: number,
  flags: number,
  protocolFamily: number,
  resource: number,
  attributes: readonly Uint8Array[],
  sequence = 0,
): Uint8Array {
  const header = new DataView(new ArrayBuffer(NLMSG_HEADER_OCTETS + 4));
  const body = joined(attributes);
  header.setUint32(0, header.byteLength + body.length, true);
  header.setUint16(4, type, true);
  header.setUint16(6, flags | NLM_F_REQUEST, true);
  header.setUint32(8, sequence, true);
  // struct nfgenmsg: family, version, resource in network order.
  header.setUint8(16, protocolFamily);
  header.setUint16(18, resource);
  return joined([new Uint8Array(header.buffer), body]);
}

function create(type: number, attributes: readonly Uint8Array[]): Change {
  return { type, flags: NLM_F_CREATE, attributes };
}

function rule(table: string, expressions: readonly Uint8Array[]): Change {
  const attributes = [text(1, table), text(2, CHAIN), nested(4, expressions)];
  return { type: NFT_MSG.newRule, flags: NLM_F_CREATE | NLM_F_APPEND, attributes };
}

function expression(name: string, data: readonly Uint8Array[]): Uint8Array {
  return nested(1, [text(1, name), nested(2, data)]);
}

function meta(key: number): Uint8Array {
  return expression("meta", [be32(1, NFT_REG_1), be32(2, key)]);
}

function equal(octets: readonly number[]): Uint8Array {
  const data = nested(3, [attribute(1, Uint8Array.from(octets))]);
  return expression("cmp", [be32(1, NFT_REG_1), be32(2, 0), data]);
}

function payload(base: number, offset: number, length: number): Uint8Array {
  return expression("payload", [
    be32(1, NFT_REG_1),
    be32(2, base),
    be32(3, offset),
    be32(4, length),
  ]);
}

function family(name: "ipv4" | "ipv6"): Uint8Array[] {
  return [meta(NFT_META_NFPROTO), equal([NFPROTO[name]])];
}

function destinationIn(name: "ipv4" | "ipv6"): Uint8Array[] {
  const set = SETS[name];
  return [
    payload(PAYLOAD_NETWORK, set.offset, set.octets),
    expression("lookup", [text(1, set.name), be32(2, NFT_REG_1)]),
  ];
}

function verdict(name: keyof typeof VERDICTS): Uint8Array {
  const code = nested(2, [nested(2, [be32(1, VERDICTS[name])])]);
  return expression("immediate", [be32(1, NFT_REG_VERDICT), code]);
}

function nested(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const NLA_F_NESTED = 0x8000;
  return attribute(type | NLA_F_NESTED, joined(parts));
}

function text(type: number, value: string): Uint8Array {
  return attribute(type, new TextEncoder().encode(`${value}\0`));
}

function be32(type: number, value: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setInt32(0, value);
  return attribute(type, new Uint8Array(bytes.buffer));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
