/** A virtual router under test: events in at a time that the test sets, effects out by name. */
import type { Ipv4Address } from "../src/packet/address.ts";
import type { Advertisement } from "../src/packet/vrrp.ts";
import type {
  Effect,
  LinkState,
  VirtualRouter,
  VirtualRouterConfig,
  VirtualRouterEvent,
} from "../src/vrrp/types.ts";
import { createVirtualRouter, nextDeadlineMs, step } from "../src/vrrp/virtual-router.ts";

export const OWN = "10.0.0.5" as Ipv4Address;
export const LOWER = "10.0.0.4" as Ipv4Address;
export const HIGHER = "10.0.0.6" as Ipv4Address;
export const UP: LinkState = { type: "up", source: OWN };

export function configure(changes: Partial<VirtualRouterConfig> = {}): VirtualRouterConfig {
  return {
    name: "VI_1",
    interface: "eth0",
    id: 51,
    version: 2,
    priority: 100,
    advertIntervalMs: 1000,
    preempt: true,
    authentication: { type: "none" },
    addresses: [{ address: "10.0.0.100" as Ipv4Address, prefixLength: 24 }],
    trackers: [],
    lease: true,
    gratuitousArp: { count: 5, repeatAfterMs: 5000 },
    ...changes,
  };
}

export function advertisement(config: VirtualRouterConfig, priority: number): Advertisement {
  return {
    version: 2,
    virtualRouterId: config.id,
    priority,
    advertIntervalMs: config.advertIntervalMs,
    authentication: config.authentication,
    addresses: config.addresses.map((entry) => entry.address),
  };
}

/** A VRRP message in an IPv4 packet, as the raw socket hands it on. */
export function inIpv4(source: Ipv4Address, payload: Uint8Array): Uint8Array {
  const total = 20 + payload.length;
  return Uint8Array.from([
    0x45,
    0xc0,
    total >> 8,
    total & 255,
    0,
    0,
    0,
    0,
    255,
    112,
    0,
    0,
    ...source.split(".").map(Number),
    224,
    0,
    0,
    18,
    ...payload,
  ]);
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

  hear(priority: number, source: Ipv4Address = HIGHER): this {
    return this.give({
      type: "advertisement",
      advertisement: advertisement(this.router.config, priority),
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
      return effect.type;
    });
  }
}
