/**
 * Every interleaving of a small cluster, to a depth: breadth first over all moves from all worlds that differ. What the
 * watches object to is found on the way; from each world, left alone, order has to come back.
 */
import { convergenceMs, longestIntervalMs } from "./bounds.ts";
import { canonical } from "./canonical.ts";
import type { Core } from "./core.ts";
import type { Setup } from "./scenario.ts";
import { Violation } from "./violation.ts";
import type { Member, Move, World } from "./world.ts";
import { Worlds } from "./world.ts";

/** For so long order has to last. */
const LASTING_INTERVALS = 2;

export interface ExhaustiveOptions {
  readonly depth: number;
  /** Of so many worlds one is left alone; 1: each. */
  readonly calmEvery: number;
}

export interface Exhausted {
  readonly states: number;
  readonly transitions: number;
  /** Worlds from which order came back. */
  readonly calms: number;
  readonly failure:
    | { readonly violation: Violation; readonly moves: readonly Move[]; readonly calm: boolean }
    | undefined;
}

/** How a world came to be, from the last move back. */
interface Trail {
  readonly move: Move;
  readonly before: Trail | undefined;
}

interface Reached {
  readonly world: World;
  readonly trail: Trail | undefined;
}

export function exhaust(core: Core, setup: Setup, options: ExhaustiveOptions): Exhausted {
  return new Search(core, setup, options).run();
}

class Search {
  readonly #options: ExhaustiveOptions;
  readonly #worlds: Worlds;
  readonly #boundMs: number;
  readonly #lastingMs: number;
  readonly #known = new Set<number>();
  #transitions = 0;
  #calms = 0;
  /** What is being done, for whoever asks after a failure. */
  #trail: Trail | undefined;
  #calm = false;

  constructor(core: Core, setup: Setup, options: ExhaustiveOptions) {
    this.#options = options;
    this.#worlds = new Worlds(core, setup);
    this.#boundMs = convergenceMs(setup);
    this.#lastingMs = LASTING_INTERVALS * longestIntervalMs(setup);
  }

  run(): Exhausted {
    let failure: Exhausted["failure"];
    try {
      let frontier = this.#reach(this.#worlds.first(), undefined, []);
      for (let depth = 0; depth < this.#options.depth; depth++) frontier = this.#next(frontier);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      failure = { violation: error, moves: movesOf(this.#trail), calm: this.#calm };
    }
    const states = this.#known.size;
    return { states, transitions: this.#transitions, calms: this.#calms, failure };
  }

  #next(frontier: readonly Reached[]): readonly Reached[] {
    const next: Reached[] = [];
    for (const { world, trail } of frontier) {
      for (const move of this.#worlds.moves(world)) {
        this.#transitions++;
        this.#trail = { move, before: trail };
        this.#reach(this.#worlds.after(world, move), this.#trail, next);
      }
    }
    return next;
  }

  /** Adds the world to the list if it is a new one. */
  #reach(world: World, trail: Trail | undefined, list: Reached[]): readonly Reached[] {
    const print = fingerprint(canonical(world));
    if (this.#known.has(print)) return list;
    this.#known.add(print);
    list.push({ world, trail });
    if (this.#known.size % this.#options.calmEvery !== 0) return list;
    this.#calm = true;
    this.#calms++;
    leaveAlone(this.#worlds, world, this.#boundMs, this.#lastingMs);
    this.#calm = false;
    return list;
  }
}

/** Nothing is lost and nobody is late; what was under way at first may have been lost, or arrives. */
function leaveAlone(worlds: Worlds, world: World, boundMs: number, lastingMs: number): void {
  const starts = [world];
  if (world.flights.some((row) => row.some((flight) => flight.length > 0)))
    starts.push({ ...world, flights: world.flights.map((row) => row.map(() => [])) });
  for (const start of starts) {
    const untilMs = start.nowMs + boundMs;
    const ordered = calmed(worlds, start, untilMs);
    const master = masterOf(ordered);
    if (masterOf(calmed(worlds, ordered, untilMs + lastingMs)) !== master)
      throw new Violation("d stability", "another one is master, without a cause");
  }
}

function calmed(worlds: Worlds, start: World, untilMs: number): World {
  let world = start;
  for (;;) {
    world = deliverAll(worlds, world);
    let node = -1;
    let earliestMs = untilMs;
    world.members.forEach((member, index) => {
      const deadlineMs =
        member === undefined ? Number.POSITIVE_INFINITY : worlds.deadlineMs(member);
      if (deadlineMs > earliestMs) return;
      earliestMs = deadlineMs;
      node = index;
    });
    if (node < 0) return world;
    world = worlds.after(world, { type: "fire", node });
  }
}

function deliverAll(worlds: Worlds, start: World): World {
  let world = start;
  for (;;) {
    const from = world.flights.findIndex((row) => row.some((flight) => flight.length > 0));
    if (from < 0) return world;
    const to = world.flights[from]?.findIndex((flight) => flight.length > 0) ?? 0;
    if (worlds.memberOf(world, to) === undefined) {
      const row = (world.flights[from] ?? []).with(to, []);
      world = { ...world, flights: world.flights.with(from, row) };
    } else world = worlds.after(world, { type: "deliver", from, to, index: 0 });
  }
}

/** As in order.ts: one where there is any, and nobody who preempts is above it. Undefined where nobody lives. */
function masterOf({ members }: World): number | undefined {
  const live = members.filter((member): member is Member => member !== undefined);
  const masters = live.filter(({ watch }) => watch.isMaster);
  const [master] = masters;
  if (live.length === 0) return undefined;
  if (master === undefined || masters.length > 1)
    throw new Violation("a one right master", `${masters.length} masters when all is calm`);
  for (const { watch } of live)
    if (watch.priority > master.watch.priority && watch.config.preempt)
      throw new Violation("a one right master", "somebody of higher priority does not preempt");
  return members.findIndex((member) => member?.watch.isMaster === true);
}

function movesOf(trail: Trail | undefined): readonly Move[] {
  const moves: Move[] = [];
  for (let each = trail; each !== undefined; each = each.before) moves.push(each.move);
  return moves.toReversed();
}

/** 52 bits of it: among millions of worlds, two are taken for one with a probability below a thousandth. */
function fingerprint(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (b >>> 12) * 0x1_0000_0000 + (a >>> 0);
}
