/**
 * Drops what is addressed to virtual addresses, neighbour discovery excepted (RFC 9568 section 6.1, Accept_Mode), by a
 * table of our own in the kernel's packet filter (linux/netfilter/nf_tables.h). It needs no program and no library.
 */
import { closeSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import type { IpAddress } from "../packet/address.ts";
import { familyOf } from "../packet/address.ts";
import {
  AF_NETLINK,
  SOCK_CLOEXEC,
  SOCK_RAW,
  SOL_SOCKET,
  SO_RCVTIMEO,
  bind,
  lastError,
  recv,
  sendto,
  setsockopt,
  socket,
} from "./libc.ts";
import { netlinkAddress, parseNetlink } from "./netlink.ts";
import type { Change } from "./nftables-message.ts";
import {
  addElements,
  compareOctet,
  deleteTable,
  encodeBatch,
  loadMeta,
  loadPayload,
  lookUp,
  newInputChain,
  newRule,
  newSet,
  newTable,
  removeElements,
  verdict,
} from "./nftables-message.ts";

const NETLINK_NETFILTER = 12;
const NLMSG_ERROR = 2;
/** Only the socket that made the table may change it, and the kernel removes it with that socket. Since Linux 5.12. */
const NFT_TABLE_F_OWNER = 2;
const EINVAL = 22;
const EOPNOTSUPP = 95;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const IPPROTO_ICMPV6 = 58;
const NEIGHBOR_SOLICITATION = 135;
const NEIGHBOR_ADVERTISEMENT = 136;
const CHAIN = "input";
/** Before those of others, which are at 0 (NF_IP_PRI_FILTER) as a rule. */
const PRIORITY = -1;
const SETS = { ipv4: "addresses4", ipv6: "addresses6" } as const;
const BUFFER_OCTETS = 64 * 1024;
/** Never reached while the kernel lives: it has answered before send(2) returns. */
const ANSWER_SECONDS_MAX = 2;
/** As many addresses as an error names. */
const NAMED_MAX = 8;

/** Its functions throw an Error when the kernel refuses; then nothing has changed. */
export interface VipFilter {
  /** From now on, what is sent to these is dropped. Those that were added before stay. */
  add(addresses: readonly IpAddress[]): void;
  /** What is sent to these is dropped no longer. Those that were never added do not matter. */
  remove(addresses: readonly IpAddress[]): void;
  /** Removes the table. */
  close(): void;
}

/**
 * Makes the table, without any address yet; one of that name that an earlier run left is removed. The kernel removes
 * it when this process ends in whatever way, except before Linux 5.12: there it stays until the next call.
 *
 * @throws Error when the kernel refuses: with EPERM also when another process has a table of that name.
 */
export function openVipFilter(table = "karuntime"): VipFilter {
  const descriptor = openNetfilterDescriptor();
  const kernel = netlinkAddress(0);
  const buffer = new Uint8Array(BUFFER_OCTETS);
  let sequence = 0;

  /** @returns 0, or the errno. */
  function commit(what: string, changes: readonly Change[]): number {
    sequence = (sequence + 1) >>> 0;
    const batch = encodeBatch(changes, sequence);
    if (sendto(descriptor, batch, batch.length, 0, kernel, kernel.length) < 0)
      throw new Error(`${what}: netfilter send: ${lastError()}`);
    for (;;) {
      const length = recv(descriptor, buffer, buffer.length, 0);
      if (length < 0) throw new Error(`${what}: netfilter receive: ${lastError()}`);
      for (const { type, payload } of parseNetlink(buffer.subarray(0, length), sequence))
        if (type === NLMSG_ERROR) return -payload.getInt32(0, true);
    }
  }

  function check(what: string, errno: number): void {
    if (errno !== 0) throw new Error(`${what}: ${getSystemErrorName(-errno)} (${errno})`);
  }

  function changeElements(
    what: string,
    addresses: readonly IpAddress[],
    changesOf: (set: string, members: readonly IpAddress[]) => readonly Change[],
  ): void {
    if (addresses.length === 0) return;
    const changes = (["ipv4", "ipv6"] as const).flatMap((family) =>
      changesOf(
        SETS[family],
        addresses.filter((address) => familyOf(address) === family),
      ),
    );
    const named = addresses.slice(0, NAMED_MAX).join(", ");
    const more = addresses.length > NAMED_MAX ? ` and ${addresses.length - NAMED_MAX} more` : "";
    const text = `packet filter table ${table}: ${what} ${named}${more}`;
    check(text, commit(text, changes));
  }

  try {
    const what = `making the packet filter table ${table}`;
    let errno = commit(what, tableOf(table, NFT_TABLE_F_OWNER));
    if (errno === EINVAL || errno === EOPNOTSUPP) errno = commit(what, tableOf(table, 0));
    check(what, errno);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }

  return {
    add(addresses) {
      changeElements("adding", addresses, (set, members) => addElements(table, set, members));
    },
    remove(addresses) {
      // Added first, within the same transaction: so one that is not there is no error.
      changeElements("removing", addresses, (set, members) => [
        ...addElements(table, set, members),
        ...removeElements(table, set, [...new Set(members)]),
      ]);
    },
    close() {
      const what = `removing the packet filter table ${table}`;
      try {
        check(what, commit(what, [newTable(table), deleteTable(table)]));
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

function openNetfilterDescriptor(): number {
  const descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (descriptor < 0) throw new Error(`no netfilter socket: ${lastError()}`);
  const address = netlinkAddress(0);
  if (bind(descriptor, address, address.length) < 0) {
    const reason = lastError();
    closeSync(descriptor);
    throw new Error(`netfilter bind: ${reason}`);
  }
  const timeout = new BigInt64Array([BigInt(ANSWER_SECONDS_MAX), 0n]);
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeout.buffer), 16);
  return descriptor;
}

/** The whole table, new. Made, deleted and made again: so it does not matter whether there was one. */
function tableOf(table: string, flags: number): Change[] {
  const isIpv4 = [loadMeta("family"), compareOctet("equal", NFPROTO_IPV4)];
  const isIpv6 = [loadMeta("family"), compareOctet("equal", NFPROTO_IPV6)];
  const isNeighborDiscovery = [
    loadMeta("protocol"),
    compareOctet("equal", IPPROTO_ICMPV6),
    loadPayload("transport", 0, 1),
    compareOctet("atLeast", NEIGHBOR_SOLICITATION),
    compareOctet("atMost", NEIGHBOR_ADVERTISEMENT),
  ];
  const toAddresses4 = [loadPayload("network", 16, 4), lookUp(SETS.ipv4)];
  const toAddresses6 = [loadPayload("network", 24, 16), lookUp(SETS.ipv6)];
  return [
    newTable(table),
    deleteTable(table),
    newTable(table, flags),
    newSet(table, SETS.ipv4, "ipv4", 1),
    newSet(table, SETS.ipv6, "ipv6", 2),
    newInputChain(table, CHAIN, PRIORITY),
    newRule(table, CHAIN, [...isIpv4, ...toAddresses4, verdict("drop")]),
    newRule(table, CHAIN, [...isIpv6, ...isNeighborDiscovery, verdict("accept")]),
    newRule(table, CHAIN, [...isIpv6, ...toAddresses6, verdict("drop")]),
  ];
}
