/** Everything that takes bytes from the network, and what it must never do with them. */
import { readFileSync } from "node:fs";
import { parseNetlink } from "../../src/linux/netlink.ts";
import type { IpAddress, Ipv4Address, Ipv6Address } from "../../src/packet/address.ts";
import { createAuthenticationMemory } from "../../src/vrrp/authentication.ts";
import type { VirtualRouterConfig } from "../../src/vrrp/config.ts";
import type { Arrival } from "../../src/vrrp/router-set.ts";
import { RouterSet } from "../../src/vrrp/router-set.ts";
import { packetsFor } from "../../src/vrrp/transmission.ts";
import { UP, advertisement, configure, digests } from "../virtual-router.ts";

const ETHERNET_OCTETS = 14;
const IPV6_HEADER_OCTETS = 40;
/** From input to input: now and then a backup becomes master. */
const STEP_MS = 100;
const HIGHER = "10.0.0.6" as Ipv4Address;
const HIGHER6 = "fe80::6" as Ipv6Address;

export interface Target {
  readonly name: string;
  /** @returns what came of it, as plain data. @throws never. */
  run(bytes: Uint8Array): unknown;
}

const password = [1, 2, 3, 4, 5, 6, 7, 8];
const hmac = {
  type: "HMAC",
  keys: [{ id: 1, octets: Array.from({ length: 32 }, (_, index) => index) }],
  activeKey: 1,
  antiReplay: "time",
  timeWindowSeconds: 300,
  mode: "permissive",
} as const;
const peers = [{ address: HIGHER, minimumTtl: 200, maximumTtl: 255 }];
const v6 = {
  version: 3,
  family: "ipv6",
  transport: { type: "multicast", group: "ff02::12" as Ipv6Address, ttl: 255 },
  addresses: [{ address: "fe80::33" as Ipv6Address, prefixLength: 64 }],
} as const;

/** One virtual router of each dialect. */
export const configs: readonly VirtualRouterConfig[] = [
  configure({ name: "none", id: 1 }),
  configure({ name: "PASS", id: 2, authentication: { type: "PASS", password } }),
  configure({ name: "AH", id: 3, authentication: { type: "AH", password } }),
  configure({ name: "HMAC2", id: 4, authentication: hmac }),
  configure({ name: "three", id: 51, version: 3 }),
  configure({ name: "HMAC3", id: 6, version: 3, authentication: hmac }),
  configure({
    name: "unicast",
    id: 7,
    version: 3,
    transport: { type: "unicast", peers, ttl: 255, onlyPeers: true },
  }),
  configure({ ...v6, name: "six", id: 51 }),
  configure({ ...v6, name: "HMAC6", id: 9, authentication: hmac }),
];

function receiver(): (arrival: Arrival) => unknown {
  const set = new RouterSet(configs, digests);
  for (const member of set.members.values()) {
    set.dispatch(member, { type: "link", link: UP }, 0);
    set.dispatch(member, { type: "start" }, 0);
  }
  let nowMs = 0;
  return (arrival) => {
    const received = set.receive("eth0", arrival, { nowMs, unixMs: 1_000_000 });
    nowMs += STEP_MS;
    set.tick(nowMs);
    const { news } = received;
    return received.ok
      ? { name: received.member.router.config.name, news }
      : { ...received, member: undefined };
  };
}

/** A fresh set of targets: what one input left behind must not speak for the next run. */
export function createTargets(): readonly Target[] {
  const over4 = receiver();
  const over6 = receiver();
  return [
    { name: "IPv4 packet", run: (bytes) => over4({ family: "ipv4", bytes }) },
    {
      name: "IPv6 packet",
      run: (bytes) =>
        over6({
          family: "ipv6",
          source: HIGHER6,
          destination: "ff02::12" as Ipv6Address,
          hopLimit: bytes[7] ?? 0,
          protocol: 112,
          header: undefined,
          payload: bytes.subarray(IPV6_HEADER_OCTETS),
        }),
    },
    {
      name: "netlink datagram",
      run: (bytes) => parseNetlink(bytes).map(({ type, payload }) => [type, payload.byteLength]),
    },
  ];
}

/** Packets that are good: keepalived's, and one of ours in each dialect. */
export function seeds(): Uint8Array[] {
  const captured = readFileSync(new URL("../packet/keepalived-2.2.7.hex", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.includes("-advertisement-"))
    .map((line) =>
      Uint8Array.from(Buffer.from(line.split(" ")[1] ?? "", "hex").subarray(ETHERNET_OCTETS)),
    );
  const own = configs.flatMap((config) => {
    const memory = { authentication: createAuthenticationMemory(), identification: 0 };
    const source: IpAddress = config.family === "ipv4" ? HIGHER : HIGHER6;
    return [200, 100, 0].flatMap((priority) =>
      packetsFor(config, advertisement(config, priority), source, memory, digests, 1_000_000).map(
        ({ bytes }) => bytes,
      ),
    );
  });
  return [...captured, ...own];
}
