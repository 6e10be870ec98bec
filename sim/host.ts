/** The virtual routers of one node: each by itself, or together in a `RouterSet` as the engine has them. */
import type { IpAddress } from "../runtime/src/packet/address.ts";
import type { Advertisement } from "../runtime/src/packet/vrrp.ts";
import type { VirtualRouterConfig } from "../runtime/src/vrrp/config.ts";
import type { Arrival, Member, Outcome, RouterSet } from "../runtime/src/vrrp/router-set.ts";
import type { Effect, VirtualRouter, VirtualRouterEvent } from "../runtime/src/vrrp/types.ts";
import { INTERFACE, digests } from "./configuration.ts";
import type { Core } from "./core.ts";

/** What travels: the advertisement, and as a packet where the scenario asks for packets. */
export interface Message {
  readonly from: number;
  readonly source: IpAddress;
  readonly router: number;
  /** In the order of sending, a sender's from one. */
  readonly serial: number;
  readonly advertisement: Advertisement;
  readonly arrival: Arrival | undefined;
}

/** Is told of effects in their order. */
export type Perform = (router: number, effects: readonly Effect[]) => void;

export interface Host {
  /** Calls of `step`; what a sync group asks for by itself is not counted. */
  readonly steps: number;
  router(index: number): VirtualRouter;
  give(index: number, event: VirtualRouterEvent, nowMs: number): void;
  /** @returns why it was dropped, or undefined. */
  hear(message: Message, nowMs: number, unixMs: number): string | undefined;
  tick(nowMs: number): void;
  /** Infinity when nothing waits for time. */
  deadlineMs(): number;
  /** The packet of an advertisement. */
  arrivalOf(
    index: number,
    advertisement: Advertisement,
    source: IpAddress,
    unixMs: number,
  ): Arrival;
}

export class PlainHost implements Host {
  steps = 0;
  readonly #core: Core;
  readonly #routers: VirtualRouter[];
  readonly #perform: Perform;

  constructor(core: Core, configs: readonly VirtualRouterConfig[], perform: Perform) {
    this.#core = core;
    this.#routers = configs.map((config) => core.createVirtualRouter(config));
    this.#perform = perform;
  }

  router(index: number): VirtualRouter {
    const router = this.#routers[index];
    if (router === undefined) throw new Error(`no virtual router ${index}`);
    return router;
  }

  give(index: number, event: VirtualRouterEvent, nowMs: number): void {
    this.steps++;
    const { router, effects } = this.#core.step(this.router(index), event, nowMs);
    this.#routers[index] = router;
    if (effects.length > 0) this.#perform(index, effects);
  }

  /** Like admission, as far as the nodes of a scenario differ. */
  hear({ router: index, advertisement, source }: Message, nowMs: number): string | undefined {
    const { config } = this.router(index);
    if (config.ownerIgnoresAdvertisements && config.priority === 255)
      return "owner ignores advertisements";
    this.give(index, { type: "advertisement", advertisement, source }, nowMs);
    return undefined;
  }

  tick(nowMs: number): void {
    for (let index = 0; index < this.#routers.length; index++) {
      const atMs = this.#core.nextDeadlineMs(this.router(index));
      if (atMs !== undefined && atMs <= nowMs) this.give(index, { type: "tick" }, nowMs);
    }
  }

  deadlineMs(): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const router of this.#routers) {
      const atMs = this.#core.nextDeadlineMs(router);
      if (atMs !== undefined && atMs < earliestMs) earliestMs = atMs;
    }
    return earliestMs;
  }

  arrivalOf(): Arrival {
    throw new Error("a plain host sends no packets");
  }
}

export class SetHost implements Host {
  steps = 0;
  readonly #core: Core;
  readonly #set: RouterSet;
  readonly #members: readonly Member[];
  readonly #perform: Perform;

  constructor(core: Core, configs: readonly VirtualRouterConfig[], perform: Perform) {
    this.#core = core;
    this.#set = new core.RouterSet(configs, digests);
    this.#members = [...this.#set.members.values()];
    this.#perform = perform;
  }

  router(index: number): VirtualRouter {
    return this.#member(index).router;
  }

  give(index: number, event: VirtualRouterEvent, nowMs: number): void {
    this.steps++;
    this.#performAll(this.#set.dispatch(this.#member(index), event, nowMs));
  }

  hear(message: Message, nowMs: number, unixMs: number): string | undefined {
    const { router: index, advertisement, source, arrival } = message;
    const { config } = this.router(index);
    if (arrival === undefined) {
      if (config.ownerIgnoresAdvertisements && config.priority === 255)
        return "owner ignores advertisements";
      this.give(index, { type: "advertisement", advertisement, source }, nowMs);
      return undefined;
    }
    this.steps++;
    const received = this.#set.receive(INTERFACE, arrival, { nowMs, unixMs });
    if (!received.ok) return received.reason;
    this.#performAll(received.outcomes);
    return undefined;
  }

  tick(nowMs: number): void {
    this.steps++;
    this.#performAll(this.#set.tick(nowMs));
  }

  deadlineMs(): number {
    return this.#set.nextDeadlineMs() ?? Number.POSITIVE_INFINITY;
  }

  arrivalOf(
    index: number,
    advertisement: Advertisement,
    source: IpAddress,
    unixMs: number,
  ): Arrival {
    const { router, memory } = this.#member(index);
    const { config } = router;
    const [packet] = this.#core.packetsFor(config, advertisement, source, memory, digests, unixMs);
    if (packet === undefined) throw new Error("no packet for an advertisement");
    const { bytes, destination } = packet;
    if (config.family === "ipv4") return { family: "ipv4", bytes };
    // What the kernel tells of an IPv6 header, and what follows it.
    return {
      family: "ipv6",
      source,
      destination,
      hopLimit: bytes[7] ?? 0,
      protocol: bytes[6] ?? 0,
      header: undefined,
      payload: bytes.subarray(40),
    };
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (member === undefined) throw new Error(`no virtual router ${index}`);
    return member;
  }

  #performAll(outcomes: readonly Outcome[]): void {
    for (const { member, effects } of outcomes)
      this.#perform(this.#members.indexOf(member), effects);
  }
}
