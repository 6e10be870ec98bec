/**
 * A small cluster as a value: every move makes another world and leaves the one before as it was. All nodes have one
 * clock; it jumps to the deadline of whoever moves next, so that any other may be late by any time.
 */
import type { Advertisement } from "../runtime/src/packet/vrrp.ts";
import type { Effect, VirtualRouter, VirtualRouterEvent } from "../runtime/src/vrrp/types.ts";
import { TRACKER, addressOf, configure, priorityWith, routerOf } from "./configuration.ts";
import type { Core } from "./core.ts";
import type { Setup } from "./scenario.ts";
import { Violation } from "./violation.ts";
import { Watch } from "./watch.ts";

/** The only virtual router of these clusters. */
const ROUTER = 0;
/** The node whose tracker goes down and up. */
const TRACKED = 0;
/** On the way from one node to another at most: the oldest is lost. */
const IN_FLIGHT_MAX = 2;
/** A part of the interval that may pass without a timer. */
const WAITS_PER_INTERVAL = 4;
const TOLERANCE = { latenessMs: 0, roundingMs: 0 };
const UP: VirtualRouterEvent = { type: "tracker", name: TRACKER, state: "up" };
const DOWN: VirtualRouterEvent = { type: "tracker", name: TRACKER, state: "down" };

export type Move =
  /** Its timer fires, at its deadline or late. */
  | { readonly type: "fire"; readonly node: number }
  /** What is never delivered is lost. */
  | { readonly type: "deliver"; readonly from: number; readonly to: number; readonly index: number }
  | { readonly type: "wait" }
  /** Only a master that shuts down leaves otherwise than by a crash. */
  | { readonly type: "crash" | "shutdown" | "start"; readonly node: number }
  | { readonly type: "tracker"; readonly up: boolean };

export interface Member {
  readonly router: VirtualRouter;
  readonly watch: Watch;
}

/** By sender and receiver, in the order of sending. */
type Flights = readonly (readonly (readonly Advertisement[])[])[];

export interface World {
  readonly nowMs: number;
  readonly trackerUp: boolean;
  readonly members: readonly (Member | undefined)[];
  readonly flights: Flights;
}

export class Worlds {
  readonly #core: Core;
  readonly #setup: Setup;

  constructor(core: Core, setup: Setup) {
    this.#core = core;
    this.#setup = setup;
  }

  /** All nodes have just started. */
  first(): World {
    const none: World = {
      nowMs: 0,
      trackerUp: true,
      members: this.#setup.nodes.map(() => undefined),
      flights: this.#setup.nodes.map(() => this.#setup.nodes.map(() => [])),
    };
    return this.#setup.nodes.reduce(
      (world, _, node) => this.after(world, { type: "start", node }),
      none,
    );
  }

  /** Everything that may happen next. */
  moves({ members, trackerUp, flights }: World): Move[] {
    const moves: Move[] = [{ type: "wait" }, { type: "tracker", up: !trackerUp }];
    for (let node = 0; node < members.length; node++) {
      const member = members[node];
      moves.push({ type: member === undefined ? "start" : "crash", node });
      if (member?.watch.isMaster === true) moves.push({ type: "shutdown", node });
      if (member !== undefined && this.#core.nextDeadlineMs(member.router) !== undefined)
        moves.push({ type: "fire", node });
      for (let to = 0; to < members.length; to++) {
        const count = members[to] === undefined ? 0 : (flights[node]?.[to]?.length ?? 0);
        for (let index = 0; index < count; index++)
          moves.push({ type: "deliver", from: node, to, index });
      }
    }
    return moves;
  }

  after(world: World, move: Move): World {
    switch (move.type) {
      case "wait": {
        const [intervalMs = 0] = routerOf(this.#setup, ROUTER).intervalsMs;
        return { ...world, nowMs: world.nowMs + intervalMs / WAITS_PER_INTERVAL };
      }
      case "crash":
        return { ...world, members: world.members.with(move.node, undefined) };
      case "shutdown": {
        const resigned = this.#given(world, move.node, { type: "shutdown" });
        return { ...resigned, members: resigned.members.with(move.node, undefined) };
      }
      case "start":
        return this.#started(world, move.node);
      case "tracker": {
        const changed = { ...world, trackerUp: move.up };
        const event = move.up ? UP : DOWN;
        return this.memberOf(changed, TRACKED) === undefined
          ? changed
          : this.#given(changed, TRACKED, event);
      }
      case "fire":
        return this.#fired(world, move.node);
      case "deliver":
        return this.#delivered(world, move.from, move.to, move.index);
    }
  }

  memberOf(world: World, node: number): Member | undefined {
    return world.members[node];
  }

  deadlineMs(member: Member): number {
    return this.#core.nextDeadlineMs(member.router) ?? Number.POSITIVE_INFINITY;
  }

  #started(world: World, node: number): World {
    const { priorities, preempts } = routerOf(this.#setup, ROUTER);
    const wish = { priority: priorities[node] ?? 0, preempt: preempts[node] ?? false };
    const configured = configure(this.#setup, node, ROUTER, wish);
    // A second burst would tell apart worlds that elect alike.
    const announcement = { ...configured.announcement, repeatAfterMs: 0 };
    const config = { ...configured, announcement };
    const router = this.#core.createVirtualRouter(config);
    const member = { router, watch: new Watch(config, node, TOLERANCE) };
    member.watch.linkUp = true;
    let started: World = { ...world, members: world.members.with(node, member) };
    const source = addressOf(this.#setup, node);
    const surroundings: VirtualRouterEvent[] = [
      { type: "link", link: { type: "up", source } },
      node !== TRACKED || world.trackerUp ? UP : DOWN,
      { type: "start" },
    ];
    for (const event of surroundings) started = this.#given(started, node, event);
    return started;
  }

  #fired(world: World, node: number): World {
    const member = this.memberOf(world, node);
    if (member === undefined) return world;
    const nowMs = Math.max(world.nowMs, this.deadlineMs(member));
    const after = this.#given({ ...world, nowMs }, node, { type: "tick" });
    const ticked = this.memberOf(after, node);
    if (ticked !== undefined && this.deadlineMs(ticked) <= nowMs)
      throw new Violation("f deadlines", "a deadline is over after a tick");
    return after;
  }

  #delivered(world: World, from: number, to: number, index: number): World {
    const flight = world.flights[from]?.[to] ?? [];
    const advertisement = flight[index];
    if (advertisement === undefined) return world;
    const row = (world.flights[from] ?? []).with(to, flight.toSpliced(index, 1));
    const flights = world.flights.with(from, row);
    const source = addressOf(this.#setup, from);
    const event: VirtualRouterEvent = { type: "advertisement", advertisement, source };
    return this.#given({ ...world, flights }, to, event, from);
  }

  /** @param from who sent it, if it is an advertisement. */
  #given(world: World, node: number, event: VirtualRouterEvent, from = node): World {
    const member = this.memberOf(world, node);
    if (member === undefined) return world;
    const { nowMs } = world;
    const watch = member.watch.copy();
    const { weight } = routerOf(this.#setup, ROUTER);
    const trackerUp = node !== TRACKED || world.trackerUp;
    watch.priority = priorityWith(watch.config.priority, weight, trackerUp);
    // Nothing is late here: whoever was not asked to move was stopped.
    watch.slept();
    if (event.type === "advertisement") {
      const { priority, advertIntervalMs } = event.advertisement;
      watch.hears(from, priority, advertIntervalMs, member.router, nowMs);
    }
    const { router, effects } = this.#core.step(member.router, event, nowMs);
    watch.perform(effects, nowMs);
    if (event.type === "advertisement") watch.heard(nowMs);
    watch.check(router, event.type === "tick", nowMs);
    const members = world.members.with(node, { router, watch });
    return { ...world, members, flights: sent(world.flights, node, effects) };
  }
}

/** What the effects put on the way to all others. */
function sent(flights: Flights, node: number, effects: readonly Effect[]): Flights {
  let result = flights;
  for (const effect of effects) {
    if (effect.type !== "send-advertisement") continue;
    const { advertisement } = effect;
    const row = (result[node] ?? []).map((flight, to) =>
      to === node ? flight : [...flight.slice(1 - IN_FLIGHT_MAX), advertisement],
    );
    result = result.with(node, row);
  }
  return result;
}
