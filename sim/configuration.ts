/** What a node of a scenario is configured as, in the core's terms, and what follows from that by itself. */
import { createHmac } from "node:crypto";
import type { IpAddress, Ipv4Address, Ipv6Address } from "../runtime/src/packet/address.ts";
import { VRRP_GROUP, VRRP_GROUP_IPV6 } from "../runtime/src/packet/vrrp.ts";
import type { Digests } from "../runtime/src/vrrp/authentication.ts";
import type { Authentication, VirtualRouterConfig } from "../runtime/src/vrrp/config.ts";
import type { Setup } from "./scenario.ts";

export const INTERFACE = "eth0";
export const TRACKER = "t";
export const GROUP = "G";
const OWNER = 255;
const PASSWORD = [115, 101, 99, 114, 101, 116, 0, 0];
const HMAC_OCTETS = Array.from({ length: 32 }, (_, index) => index);

export const digests: Digests = {
  hmacMd5: (key, bytes) => createHmac("md5", key).update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac("sha256", key).update(bytes).digest(),
};

/** What a reload changes. */
export interface Wish {
  readonly priority: number;
  readonly preempt: boolean;
}

export function addressOf(
  { family, nodes }: Pick<Setup, "family" | "nodes">,
  node: number,
): IpAddress {
  const host = nodes[node]?.host ?? 0;
  return family === "ipv4"
    ? (`10.0.0.${host}` as Ipv4Address)
    : (`fe80::${host.toString(16)}` as Ipv6Address);
}

export function virtualAddress(family: Setup["family"], id: number): IpAddress {
  return family === "ipv4" ? (`10.0.1.${id}` as Ipv4Address) : (`fe80::1:${id}` as Ipv6Address);
}

export function configure(
  setup: Setup,
  node: number,
  router: number,
  { priority, preempt }: Wish,
): VirtualRouterConfig {
  const { family, version } = setup;
  const { id, missedAdvertisements, intervalsMs, preemptDelaysMs, weight } = routerOf(
    setup,
    router,
  );
  return {
    name: `VI_${id}`,
    interface: INTERFACE,
    id,
    family,
    version,
    priority,
    advertIntervalMs: intervalsMs[node] ?? 0,
    missedAdvertisements,
    initialState: setup.initialState,
    startDelayMs: setup.startDelayMs,
    preempt,
    preemptDelayMs: preemptDelaysMs[node] ?? 0,
    authentication: authenticationOf(setup),
    checksumStyle: "message",
    transport: {
      type: "multicast",
      group: family === "ipv4" ? VRRP_GROUP : VRRP_GROUP_IPV6,
      ttl: 255,
    },
    sourceAddress: undefined,
    virtualMac: undefined,
    addresses: [{ address: virtualAddress(family, id), prefixLength: 24 }],
    excludedAddresses: [],
    routes: [],
    rules: [],
    accept: true,
    trackInterface: true,
    trackers: [{ name: TRACKER, kind: "check", weight, reverse: false }],
    syncGroup: setup.grouped ? GROUP : undefined,
    lease: setup.lease,
    onAddressLost: setup.onAddressLost,
    onAddressMismatch: "accept",
    announcement: {
      count: 5,
      repeatAfterMs: 5000,
      refreshEveryMs: 0,
      refreshCount: 1,
      gapMs: 0,
      contention: { count: 5, repeatAfterMs: 0 },
    },
    answerLowerPriority: setup.answerLowerPriority,
    advertiseBeforeYielding: setup.advertiseBeforeYielding,
    ownerIgnoresAdvertisements: setup.ownerIgnoresAdvertisements,
  };
}

/** The effective priority, worked out apart from the core. */
export function priorityWith(base: number, weight: number, trackerUp: boolean): number {
  if (base === OWNER) return OWNER;
  const counts = weight > 0 ? trackerUp : !trackerUp;
  return Math.min(254, Math.max(1, base + (counts ? weight : 0)));
}

export function routerOf({ routers }: Setup, router: number): Setup["routers"][number] {
  const found = routers[router];
  if (found === undefined) throw new Error(`no virtual router ${router}`);
  return found;
}

function authenticationOf({ authentication }: Setup): Authentication {
  switch (authentication) {
    case "none":
      return { type: "none" };
    case "PASS":
    case "AH":
      return { type: authentication, password: PASSWORD };
    case "HMAC":
      return {
        type: "HMAC",
        keys: [{ id: 1, octets: HMAC_OCTETS }],
        activeKey: 1,
        antiReplay: "time",
        timeWindowSeconds: 30,
        mode: "enforce",
      };
  }
}
