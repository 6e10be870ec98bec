/** A virtual router under test: events in at a time that the test sets, effects out by name. */
import { createHmac } from "node:crypto";
import type { IpAddress, Ipv4Address } from "../src/packet/address.ts";
import type { Advertisement } from "../src/packet/vrrp.ts";
import { VRRP_GROUP } from "../src/packet/vrrp.ts";
import type { Digests } from "../src/vrrp/authentication.ts";
import type { Tracker, VirtualRouterConfig } from "../src/vrrp/config.ts";
import type { Arrival, RouterSet } from "../src/vrrp/router-set.ts";
import { send } from "../src/vrrp/transitions.ts";
import { packetsFor } from "../src/vrrp/transmission.ts";
import { createAuthenticationMemory } from "../src/vrrp/authentication.ts";
import type { Effect, LinkState, VirtualRouter, VirtualRouterEvent } from "../src/vrrp/types.ts";
import { createVirtualRouter, nextDeadlineMs, step } from "../src/vrrp/virtual-router.ts";

export const OWN = "10.0.0.5" as Ipv4Address;
export const LOWER = "10.0.0.4" as Ipv4Address;
export const HIGHER = "10.0.0.6" as Ipv4Address;
export const UP: LinkState = { type: "up", source: OWN };

export const digests: Digests = {
  hmacMd5: (key, bytes) => createHmac("md5", key).update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac("sha256", key).update(bytes).digest(),
};

export function configure(changes: Partial<VirtualRouterConfig> = {}): VirtualRouterConfig {
  return {
    name: "VI_1",
    interface: "eth0",
    id: 51,
    family: "ipv4",
    version: 2,
    priority: 100,
    advertIntervalMs: 1000,
    missedAdvertisements: 3,
    initialState: "master",
    startDelayMs: 0,
    preempt: true,
    preemptDelayMs: 0,
    authentication: { type: "none" },
    checksumStyle: "pseudo-header",
    transport: { type: "multicast", group: VRRP_GROUP, ttl: 255 },
    sourceAddress: undefined,
    virtualMac: undefined,
    addresses: [{ address: "10.0.0.100" as Ipv4Address, prefixLength: 24 }],
    excludedAddresses: [],
    routes: [],
    rules: [],
    accept: true,
    trackInterface: true,
    trackers: [],
    syncGroup: undefined,
    lease: true,
    onAddressLost: "resign",
    onAddressMismatch: "accept",
    announcement: {
      count: 5,
      repeatAfterMs: 5000,
      refreshEveryMs: 0,
      refreshCount: 1,
      gapMs: 0,
      contention: { count: 5, repeatAfterMs: 0 },
    },
    answerLowerPriority: true,
    advertiseBeforeYielding: false,
    ownerIgnoresAdvertisements: false,
    ...changes,
  };
}

export function tracker(name: string, weight: number, changes: Partial<Tracker> = {}): Tracker {
  return { name, kind: "check", weight, reverse: false, ...changes };
}

/** What a router of this configuration advertises. */
export function advertisement(
  config: VirtualRouterConfig,
  priority: number,
  changes: { readonly advertIntervalMs?: number } = {},
): Advertisement {
  const effect = send(createVirtualRouter(config), priority);
  if (effect.type !== "send-advertisement") throw new Error("no advertisement");
  return { ...effect.advertisement, ...changes };
}

/** A VRRP message in an IPv4 packet, as the raw socket hands it on. */
export function inIpv4(
  source: Ipv4Address,
  payload: Uint8Array,
  { ttl = 255, protocol = 112, destination = VRRP_GROUP as string } = {},
): Uint8Array {
  const total = 20 + payload.length;
  return Uint8Array.from([
    ...ipHeaderStart(total, ttl, protocol),
    ...source.split(".").map(Number),
    ...destination.split(".").map(Number),
    ...payload,
  ]);
}

function ipHeaderStart(total: number, ttl: number, protocol: number): readonly number[] {
  return [0x45, 0xc0, total >> 8, total & 255, 0, 0, 0, 0, ttl, protocol, 0, 0];
}

/** The packet with which a router of this configuration advertises, as another host's raw socket hands it on. */
export function packetFrom(
  config: VirtualRouterConfig,
  source: IpAddress,
  priority: number,
  unixMs = 0,
): Arrival {
  const memory = { authentication: createAuthenticationMemory(), identification: 0 };
  const sent = advertisement(config, priority);
  const [packet] = packetsFor(config, sent, source, memory, digests, unixMs);
  if (packet === undefined) throw new Error("nothing to send");
  if (config.family === "ipv4") return { family: "ipv4", bytes: packet.bytes };
  return {
    family: "ipv6",
    source,
    destination: packet.destination,
    hopLimit: packet.bytes[7] ?? 0,
    protocol: packet.bytes[6] ?? 0,
    header: undefined,
    payload: packet.bytes.subarray(40),
  };
}

export function receive(
  set: RouterSet,
  arrival: Arrival,
  nowMs = 0,
  unixMs = 0,
): ReturnType<RouterSet["receive"]> {
  return set.receive("eth0", arrival, { nowMs, unixMs });
}

export class Subject {
  router: VirtualRouter;
  nowMs = 0;
  effects: readonly Effect[] = [];

  constructor(changes: Partial<VirtualRouterConfig> = {}) {
    this.router = createVirtualRouter(configure(changes));
  }

  /** The interface comes up and the protocol starts. */
  start(link: LinkState = UP): this {
    this.give({ type: "link", link });
    return this.give({ type: "start" });
  }

  give(event: VirtualRouterEvent): this {
    const result = step(this.router, event, this.nowMs);
    this.router = result.router;
    this.effects = result.effects;
    return this;
  }

  hear(priority: number, source: IpAddress = HIGHER, advertIntervalMs?: number): this {
    const changes = advertIntervalMs === undefined ? {} : { advertIntervalMs };
    return this.give({
      type: "advertisement",
      advertisement: advertisement(this.router.config, priority, changes),
      source,
    });
  }

  /** Lets time pass, with a tick at the end of it. */
  after(ms: number): this {
    this.nowMs += ms;
    return this.give({ type: "tick" });
  }

  /** Lets time pass to the next deadline. */
  next(): this {
    const deadline = nextDeadlineMs(this.router);
    if (deadline === undefined) throw new Error("no deadline is set");
    return this.after(deadline - this.nowMs);
  }

  get state(): string {
    return this.router.protocol.type;
  }

  get waitMs(): number | undefined {
    const deadline = nextDeadlineMs(this.router);
    return deadline === undefined ? undefined : deadline - this.nowMs;
  }

  /** The last effects, each by its name; an advertisement with its priority, a transition with its reason. */
  get did(): string[] {
    return this.effects.map((effect) => {
      if (effect.type === "send-advertisement") return `send ${effect.advertisement.priority}`;
      if (effect.type === "transition") return `${effect.from} -> ${effect.to} (${effect.reason})`;
      if (effect.type === "contention") return `contention ${effect.phase}`;
      if (effect.type === "notice") return `notice: ${effect.notice.type}`;
      return effect.type;
    });
  }
}
