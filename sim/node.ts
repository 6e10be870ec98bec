/** One node: its clock, its interface, its tracker, its virtual routers while it lives, and who watches them. */
import type { LinkState, VirtualRouterEvent } from "../runtime/src/vrrp/types.ts";
import { nextDeadlineMs } from "../runtime/src/vrrp/virtual-router.ts";
import type { Wish } from "./configuration.ts";
import {
  TRACKER,
  addressOf,
  configure,
  priorityWith,
  routerOf,
  virtualAddress,
} from "./configuration.ts";
import type { Core } from "./core.ts";
import type { Host, Message, Perform } from "./host.ts";
import { PlainHost, SetHost } from "./host.ts";
import { ReplayMemory } from "./replay.ts";
import type { Action, Setup } from "./scenario.ts";
import { Violation } from "./violation.ts";
import type { Tolerance } from "./watch.ts";
import { Watch } from "./watch.ts";

/** Those that happen to a node and need no more than it. */
export type NodeAction = Exclude<
  Extract<Action, { readonly node: number }>,
  { readonly type: "crash" | "pause" | "resume" | "oversleep" }
>;

const UNIX_MS = 1_800_000_000_000;
/** Wall clocks differ by less than this. */
const WALL_MS = 10_000;
/**
 * Allowance: a restart takes this long. In no time, the first advertisement after it would carry the same signed time as
 * the last one before, and be taken for a repetition.
 */
const RESTART_MS = 1;
const ROUNDING_MS = 1e-3;
/** The clock runs faster than the time by no more than this. */
const FASTEST = 1.0011;

export class Node {
  readonly index: number;
  linkUp = true;
  trackerUp = true;
  /** Stopped: nothing that arrives and no timer reaches it. */
  paused = false;
  inboxMax = 0;
  readonly inbox: Message[] = [];
  watches: Watch[] = [];
  /** Counts its lives: what was meant for an earlier one does not reach it. */
  life = 0;
  /** The earliest entry for its timer in the queue of events. */
  timerAtMs = Number.POSITIVE_INFINITY;
  readonly wishes: Wish[];
  #host: Host | undefined;
  /** The clock never goes back, whatever rounding does. */
  #clockMs = Number.NEGATIVE_INFINITY;
  #startAtMs = 0;
  #stepsBefore = 0;
  readonly #core: Core;
  readonly #setup: Setup;
  #replays: readonly ReplayMemory[] = [];
  readonly #tolerance: Tolerance;
  readonly #rate: number;
  readonly #offsetMs: number;
  readonly #perform: (node: Node) => Perform;

  constructor(core: Core, setup: Setup, index: number, perform: (node: Node) => Perform) {
    const own = setup.nodes[index];
    if (own === undefined) throw new Error(`no node ${index}`);
    this.index = index;
    this.#core = core;
    this.#setup = setup;
    this.#perform = perform;
    this.#rate = own.clockRate;
    this.#offsetMs = own.clockOffsetMs;
    this.#tolerance = {
      roundingMs: setup.exact ? 0 : ROUNDING_MS,
      latenessMs: setup.latenessMs * FASTEST,
    };
    this.wishes = setup.routers.map(({ priorities, preempts }) => ({
      priority: priorities[index] ?? 0,
      preempt: preempts[index] ?? false,
    }));
  }

  /** Calls of the core in all its lives. */
  get steps(): number {
    return this.#stepsBefore + (this.#host?.steps ?? 0);
  }

  get host(): Host | undefined {
    return this.#host;
  }

  /** What its clock shows. */
  clockMs(atMs: number): number {
    this.#clockMs = Math.max(this.#clockMs, this.#offsetMs + this.#rate * atMs);
    return this.#clockMs;
  }

  /** The clock shows this now; the difference to what it would show is one of rounding. */
  setClock(clockMs: number): void {
    this.#clockMs = Math.max(this.#clockMs, clockMs);
  }

  timeOf(clockMs: number): number {
    return (clockMs - this.#offsetMs) / this.#rate;
  }

  unixMs(atMs: number): number {
    return UNIX_MS + atMs + (this.#offsetMs % WALL_MS) + this.life * RESTART_MS;
  }

  #start(atMs: number): void {
    const { routers, grouped, bytes, startDelayMs } = this.#setup;
    const configs = routers.map((_, router) => this.#configOf(router));
    const create = grouped || bytes ? SetHost : PlainHost;
    this.#stepsBefore = this.steps;
    this.#host = new create(this.#core, configs, this.#perform(this));
    this.watches = configs.map((config) => new Watch(config, this.index, this.#tolerance));
    this.#replays = routers.map(() => new ReplayMemory(this.#setup));
    this.life++;
    this.timerAtMs = Number.POSITIVE_INFINITY;
    this.#startAtMs = this.clockMs(atMs) + startDelayMs;
    for (let router = 0; router < routers.length; router++) this.#boot(router, atMs);
  }

  crash(): void {
    this.#stepsBefore = this.steps;
    this.#host = undefined;
    this.watches = [];
    this.paused = false;
    this.inbox.length = 0;
    this.life++;
  }

  /** What happens to it, as long as it is not stopped. */
  act(action: NodeAction, atMs: number): void {
    // The surroundings change, whether or not somebody is there to notice.
    if (action.type === "tracker") return this.#setTracker(action.up, atMs);
    if (action.type === "link") return this.#setLink(action.up, atMs);
    if (action.type === "start") return this.#host === undefined ? this.#start(atMs) : undefined;
    if (this.#host === undefined) return undefined;
    switch (action.type) {
      case "shutdown":
        this.#shutdown(atMs);
        return this.crash();
      case "address-lost":
      case "address-refused": {
        const { id } = routerOf(this.#setup, action.router);
        const address = virtualAddress(this.#setup.family, id);
        const reason = "errno 99";
        return this.#give(action.router, { type: action.type, address, reason }, atMs);
      }
      case "reload":
        return this.#reload(action.router, action, atMs);
    }
  }

  /** Another priority and preempt mode: everything resigns and starts again. */
  #reload(router: number, wish: Wish, atMs: number): void {
    const { grouped, routers } = this.#setup;
    routers.forEach((_, index) => {
      if (index === router || grouped) this.wishes[index] = wish;
    });
    this.#shutdown(atMs);
    this.#start(atMs);
  }

  #shutdown(atMs: number): void {
    this.watches.forEach((_, router) => this.#give(router, { type: "shutdown" }, atMs));
  }

  #setTracker(up: boolean, atMs: number): void {
    this.trackerUp = up;
    this.#setup.routers.forEach((_, router) => this.#give(router, this.#trackerEvent(), atMs));
  }

  #setLink(up: boolean, atMs: number): void {
    this.linkUp = up;
    this.#setup.routers.forEach((_, router) => this.#give(router, this.#linkEvent(), atMs));
  }

  #give(router: number, event: VirtualRouterEvent, atMs: number): void {
    this.#tell(router, event);
    this.#host?.give(router, event, this.clockMs(atMs));
    this.#check(false);
  }

  hear(message: Message, atMs: number): void {
    const host = this.#host;
    const watch = this.watches[message.router];
    if (host === undefined || watch === undefined) return;
    const nowMs = this.clockMs(atMs);
    const { advertisement, router, from } = message;
    const { ownerIgnoresAdvertisements, priority } = watch.config;
    const deaf =
      (ownerIgnoresAdvertisements && priority === 255) ||
      this.#replays[router]?.isRepeated(message) === true;
    if (!deaf) {
      const { advertIntervalMs } = advertisement;
      watch.hears(from, advertisement.priority, advertIntervalMs, host.router(router), nowMs);
    }
    const dropped = host.hear(message, nowMs, this.unixMs(atMs));
    if ((dropped !== undefined) !== deaf)
      throw new Violation("j admission", `an advertisement was ${dropped ?? "not dropped"}`);
    if (!deaf) watch.heard(nowMs);
    this.#check(false);
  }

  tick(atMs: number): void {
    const host = this.#host;
    if (host === undefined) return;
    host.tick(this.clockMs(atMs));
    this.#check(true);
    if (host.deadlineMs() <= this.#clockMs)
      throw new Violation("f deadlines", `a deadline is over after a tick`);
  }

  /** Whether nothing but the protocol keeps the virtual router from being master. */
  isEligible(router: number): boolean {
    const host = this.#host;
    if (host === undefined || !this.linkUp || this.#clockMs < this.#startAtMs) return false;
    const together = this.#setup.grouped ? this.watches.map((_, index) => index) : [router];
    return together.every((index) => {
      const { protocol } = host.router(index);
      const waits = protocol.type === "fault" && protocol.retryAtMs !== undefined;
      return !waits && (this.trackerUp || routerOf(this.#setup, index).weight !== 0);
    });
  }

  #configOf(router: number): Watch["config"] {
    const wish = this.wishes[router];
    if (wish === undefined) throw new Error(`no virtual router ${router}`);
    return configure(this.#setup, this.index, router, wish);
  }

  /** The watch knows what its virtual router knows: another one of this node may have heard of it before. */
  #tell(router: number, event: VirtualRouterEvent): void {
    const watch = this.watches[router];
    if (watch === undefined) return;
    if (event.type === "link") watch.linkUp = event.link.type === "up";
    if (event.type !== "tracker") return;
    const { weight } = routerOf(this.#setup, router);
    watch.priority = priorityWith(watch.config.priority, weight, this.trackerUp);
  }

  #boot(router: number, atMs: number): void {
    const surroundings = [this.#linkEvent(), this.#trackerEvent()];
    const start: VirtualRouterEvent = { type: "start" };
    const first = this.#setup.nodes[this.index]?.startsFirst === true;
    for (const event of first ? [start, ...surroundings] : [...surroundings, start])
      this.#give(router, event, atMs);
  }

  #linkEvent(): VirtualRouterEvent {
    const link: LinkState = this.linkUp
      ? { type: "up", source: addressOf(this.#setup, this.index) }
      : { type: "down" };
    return { type: "link", link };
  }

  #trackerEvent(): VirtualRouterEvent {
    return { type: "tracker", name: TRACKER, state: this.trackerUp ? "up" : "down" };
  }

  #check(ticked: boolean): void {
    const host = this.#host;
    if (host === undefined) return;
    const { watches } = this;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (let router = 0; router < watches.length; router++) {
      const state = host.router(router);
      watches[router]?.check(state, ticked, this.#clockMs);
      earliestMs = Math.min(earliestMs, nextDeadlineMs(state) ?? Number.POSITIVE_INFINITY);
    }
    if (host.deadlineMs() !== earliestMs)
      throw new Violation("f deadlines", `waits for ${host.deadlineMs()}, not for ${earliestMs}`);
    if (this.#setup.grouped) this.#checkGroup(host);
  }

  #checkGroup(host: Host): void {
    const { watches } = this;
    const [first] = watches;
    if (watches.some((watch) => watch.isMaster !== first?.isMaster))
      throw new Violation("h sync group", "members of a sync group disagree");
    const states = watches.map((_, router) => host.router(router).protocol.type);
    if (states.includes("fault") && states.some((state) => state === "backup"))
      throw new Violation("h sync group", "one is in FAULT and another is not");
  }
}
