/** The nodes of a scenario on one network, from the first action to the end; each step is watched. */
import type { Effect } from "../runtime/src/vrrp/types.ts";
import { convergenceMs, lossesInRowMax } from "./bounds.ts";
import { Calm } from "./calm.ts";
import { addressOf } from "./configuration.ts";
import type { Core } from "./core.ts";
import type { Happening } from "./happening.ts";
import { placeOf } from "./happening.ts";
import type { Message } from "./host.ts";
import { Network } from "./network.ts";
import { Node } from "./node.ts";
import { checkMasters } from "./order.ts";
import { EventQueue } from "./queue.ts";
import { Random } from "./random.ts";
import type { Action, Scenario, Setup } from "./scenario.ts";
import { Violation } from "./violation.ts";

export interface Result {
  readonly steps: number;
  readonly violation: Violation | undefined;
  /** Calms that lasted until order had to be back. */
  readonly calms: number;
}

/** By what happened, how often: transitions with their reasons. */
export type Seen = Map<string, number>;

export interface Options {
  readonly stepsMax?: number;
  readonly seen?: Seen;
  readonly trace?: (line: string) => void;
}

/** Streams of random numbers: what one draws moves no other. */
const STREAM_TIMERS = 1;
const STREAM_PATHS = 100;

export function run(core: Core, scenario: Scenario, options: Options = {}): Result {
  return new Cluster(core, scenario, options).run();
}

class Cluster {
  readonly #setup: Setup;
  readonly #options: Options;
  readonly #queue = new EventQueue<Happening>();
  readonly #nodes: readonly Node[];
  readonly #network: Network;
  readonly #timers: Random;
  readonly #calm: Calm;
  #nowMs = 0;
  #steps = 0;
  #paused = 0;
  #sent = 0;

  constructor(core: Core, { setup, actions }: Scenario, options: Options) {
    this.#setup = setup;
    this.#options = options;
    this.#timers = new Random(setup.seed, STREAM_TIMERS);
    this.#network = new Network(
      setup.nodes.length,
      setup.network,
      setup.routers.map(lossesInRowMax),
      setup.seed,
      STREAM_PATHS,
    );
    this.#calm = new Calm(convergenceMs(setup));
    this.#nodes = setup.nodes.map(
      (_, index) =>
        new Node(
          core,
          setup,
          index,
          (node) => (router, effects) => this.#perform(node, router, effects),
        ),
    );
    for (const action of actions) this.#queue.push(action.atMs, { type: "action", action });
  }

  run(): Result {
    const violation = this.#violation();
    return { steps: this.#steps, violation, calms: this.#calm.count };
  }

  /** Runs to the end, or to the first thing that must not be. */
  #violation(): Violation | undefined {
    const { endMs, routers } = this.#setup;
    const stepsMax = this.#options.stepsMax ?? Number.POSITIVE_INFINITY;
    let happening: Happening | undefined;
    try {
      while (this.#steps < stepsMax) {
        const atMs = this.#queue.nextAtMs;
        if (this.#calm.isOver(Math.min(atMs, endMs))) checkMasters(this.#nodes, routers.length);
        if (atMs > endMs) return undefined;
        happening = this.#queue.pop();
        if (happening === undefined) return undefined;
        this.#nowMs = atMs;
        this.#happen(happening);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      error.place = `${placeOf(happening)} at ${this.#nowMs} ms`;
      return error;
    }
    return undefined;
  }

  #happen(happening: Happening): void {
    switch (happening.type) {
      case "action":
        this.#trace(() => JSON.stringify(happening.action));
        this.#disturb(this.#nowMs);
        this.#act(happening.action);
        return this.#disturb(this.#nowMs);
      case "message": {
        const node = this.#node(happening.to);
        if (!node.linkUp || node.host === undefined) return undefined;
        if (!node.paused) this.#hear(node, happening.message);
        else if (node.inbox.length < node.inboxMax) node.inbox.push(happening.message);
        return undefined;
      }
      case "timer":
        return this.#fire(happening.node, happening.life, happening.atMs);
      case "wake": {
        const { node, life, clockMs, timersFirst } = happening;
        if (node.life !== life || !node.paused) return undefined;
        this.#disturb(this.#nowMs);
        node.setClock(clockMs);
        this.#resume(node, timersFirst);
        return this.#disturb(this.#nowMs);
      }
    }
  }

  #hear(node: Node, message: Message): void {
    this.#trace(
      () =>
        `node ${node.index} hears ${message.advertisement.priority} of ${message.from} on ${message.router}`,
    );
    const before = node.steps;
    node.hear(message, this.#nowMs);
    this.#steps += node.steps - before;
    this.#arm(node);
  }

  #tick(node: Node): void {
    const before = node.steps;
    node.tick(this.#nowMs);
    this.#steps += node.steps - before;
    this.#arm(node);
  }

  /** Lateness is drawn when the timer is set; a deadline that moves later sets it anew when it comes up. */
  #arm(node: Node): void {
    const deadlineMs = node.host?.deadlineMs() ?? Number.POSITIVE_INFINITY;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const dueMs = Math.max(this.#nowMs, node.timeOf(deadlineMs));
    if (dueMs >= node.timerAtMs) return;
    const { latenessMs } = this.#setup;
    const atMs = latenessMs === 0 ? dueMs : dueMs + this.#timers.next() * latenessMs;
    if (atMs >= node.timerAtMs) return;
    node.timerAtMs = atMs;
    this.#queue.push(atMs, { type: "timer", node, life: node.life, atMs });
  }

  #fire(node: Node, life: number, atMs: number): void {
    if (node.life !== life || node.timerAtMs !== atMs) return;
    node.timerAtMs = Number.POSITIVE_INFINITY;
    const { host } = node;
    if (node.paused || host === undefined) return;
    const deadlineMs = host.deadlineMs();
    if (node.timeOf(deadlineMs) > this.#nowMs) return this.#arm(node);
    node.setClock(deadlineMs);
    this.#tick(node);
  }

  #act(action: Action): void {
    if (!("node" in action)) return this.#network.change(action);
    const node = this.#node(action.node);
    const nowMs = this.#nowMs;
    switch (action.type) {
      case "crash":
        if (node.paused) this.#paused--;
        return node.crash();
      case "resume":
        return node.paused ? this.#resume(node, action.timersFirst) : undefined;
      case "pause":
        return this.#pause(node, action.inbox);
      case "oversleep":
        return this.#oversleep(node, action);
      default: {
        if (node.paused) return undefined;
        const before = node.steps;
        node.act(action, nowMs);
        this.#steps += node.steps - before;
        return this.#arm(node);
      }
    }
  }

  #oversleep(node: Node, action: Extract<Action, { type: "oversleep" }>): void {
    const { latenessMs, routers } = this.#setup;
    const deadlineMs = node.host?.deadlineMs() ?? Number.POSITIVE_INFINITY;
    if (node.paused || deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#pause(node, action.inbox);
    const intervalMs = routers[0]?.intervalsMs[node.index] ?? 0;
    const clockMs = deadlineMs + intervalMs * action.intervals + latenessMs;
    const atMs = Math.max(this.#nowMs, node.timeOf(clockMs));
    const { timersFirst } = action;
    this.#queue.push(atMs, { type: "wake", node, life: node.life, clockMs, timersFirst });
  }

  #pause(node: Node, inbox: number): void {
    if (node.paused || node.host === undefined) return;
    node.paused = true;
    node.inboxMax = inbox;
    this.#paused++;
  }

  #resume(node: Node, timersFirst: boolean): void {
    node.paused = false;
    this.#paused--;
    for (const watch of node.watches) watch.slept();
    if (timersFirst) this.#tick(node);
    for (const message of node.inbox.splice(0)) this.#hear(node, message);
    if (!timersFirst) this.#tick(node);
  }

  #perform(node: Node, router: number, effects: readonly Effect[]): void {
    const watch = node.watches[router];
    if (watch === undefined) throw new Error(`no watch for virtual router ${router}`);
    const nowMs = node.clockMs(this.#nowMs);
    const before = watch.isMaster;
    this.#trace(() => `node ${node.index}, virtual router ${router}: ${JSON.stringify(effects)}`);
    watch.perform(effects, nowMs);
    for (const effect of effects) {
      if (effect.type === "send-advertisement") this.#send(node, router, effect.advertisement);
      if (effect.type !== "transition") continue;
      this.#count(`${effect.from} -> ${effect.to}: ${effect.reason}`);
      // A delay that ends by itself is as much a cause as an action.
      if (effect.from === "initialize" || effect.from === "fault") this.#disturb(this.#nowMs);
    }
    if (this.#calm.ordered && watch.isMaster !== before)
      throw new Violation("d stability", `node ${node.index} moves without a cause`);
  }

  #send(node: Node, router: number, advertisement: Message["advertisement"]): void {
    const source = addressOf(this.#setup, node.index);
    const arrival = this.#setup.bytes
      ? node.host?.arrivalOf(router, advertisement, source, node.unixMs(this.#nowMs))
      : undefined;
    const serial = ++this.#sent;
    if (!node.linkUp) return;
    const message: Message = { from: node.index, source, router, serial, advertisement, arrival };
    for (let to = 0; to < this.#nodes.length; to++) {
      if (to === node.index) continue;
      const delayMs = this.#network.delayMs(node.index, to, router);
      if (delayMs === undefined) continue;
      this.#queue.push(this.#nowMs + delayMs, { type: "message", to, message });
      // What was sent on a slow path arrives after the network is whole.
      if (delayMs > this.#setup.network.delayMaxMs) this.#disturb(this.#nowMs + delayMs);
      const duplicateMs = this.#network.duplicateDelayMs(node.index, to);
      if (duplicateMs !== undefined)
        this.#queue.push(this.#nowMs + duplicateMs, { type: "message", to, message });
    }
  }

  #disturb(untilMs: number): void {
    this.#calm.disturb(untilMs, this.#network.whole && this.#paused === 0);
  }

  #node(index: number): Node {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  #count(what: string): void {
    const { seen } = this.#options;
    seen?.set(what, (seen.get(what) ?? 0) + 1);
  }

  #trace(line: () => string): void {
    this.#options.trace?.(`${this.#nowMs.toFixed(3)} ${line()}`);
  }
}
