/**
 * Watches one virtual router of one node: sees its events and its effects, knows from the protocol what may come of them,
 * and objects. It looks into the state only to compare.
 */
import type { VirtualRouterConfig } from "../runtime/src/vrrp/config.ts";
import { masterDownIntervalMs } from "../runtime/src/vrrp/timers.ts";
import type { Effect, VirtualRouter } from "../runtime/src/vrrp/types.ts";
import type { Invariant } from "./violation.ts";
import { Violation } from "./violation.ts";
import { Wait } from "./wait.ts";

/** Where a virtual router stands between the effects of one list. */
type Role =
  | "out"
  | "promoting"
  | "holding"
  | "master"
  /** Has said priority 0. */
  | "resigned"
  /** Has given the addresses up. */
  | "released";

/** What a master owes whom it hears; unknown when it may be late enough to give up instead. */
type Duty = "none" | "yield" | "stay" | "answer" | "unknown";

type Transition = Extract<Effect, { type: "transition" }>;

const RESIGN = 0;
const OWNER = 255;
const ANSWERS_PER_INTERVAL = 4;

/** How late a timer may fire, and by how much times may differ that are worked out in different ways. */
export interface Tolerance {
  readonly latenessMs: number;
  readonly roundingMs: number;
}

export class Watch {
  /** Kept up to date by the node. A tracker that has said nothing yet adds nothing. */
  priority: number;
  linkUp = false;
  role: Role = "out";
  readonly config: VirtualRouterConfig;
  readonly #node: number;
  readonly #tolerance: Tolerance;
  #wait: Wait;
  #sentAtMs = 0;
  #slept = false;
  #saidResigned = false;
  /** While an advertisement is handed over. */
  #heardFrom = 0;
  #heardIntervalMs = 0;
  #duty: Duty = "none";

  constructor(config: VirtualRouterConfig, node: number, tolerance: Tolerance) {
    this.config = config;
    this.priority = config.priority;
    this.#node = node;
    this.#tolerance = tolerance;
    this.#wait = new Wait(config);
  }

  /** One of its own that goes on from here. */
  copy(): Watch {
    const copy = new Watch(this.config, this.#node, this.#tolerance);
    copy.priority = this.priority;
    copy.linkUp = this.linkUp;
    copy.role = this.role;
    copy.#wait = this.#wait.copy();
    copy.#sentAtMs = this.#sentAtMs;
    copy.#slept = this.#slept;
    copy.#saidResigned = this.#saidResigned;
    return copy;
  }

  get isMaster(): boolean {
    return this.role === "master";
  }

  /** Its process was stopped for a while: its next advertisement may be late. */
  slept(): void {
    this.#slept = true;
  }

  /** To be told before the core hears an advertisement. */
  hears(
    from: number,
    priority: number,
    intervalMs: number,
    { protocol }: VirtualRouter,
    nowMs: number,
  ): void {
    this.#heardFrom = from;
    this.#heardIntervalMs = intervalMs;
    this.#duty = this.role === "master" ? this.#dutyTo(from, priority, nowMs) : "none";
    if (protocol.type !== "backup") return;
    if (priority === RESIGN) this.#wait.hearResignation(from, this.priority, nowMs);
    else this.#wait.hearMaster(from, priority, this.priority, intervalMs, nowMs);
  }

  /** To be told after it. */
  heard(nowMs: number): void {
    const duty = this.#duty;
    this.#duty = "none";
    if (duty === "none" || duty === "unknown") return;
    if (duty === "yield") {
      if (this.isMaster) fail("a rank", "does not yield to a better one");
      return;
    }
    if (!this.isMaster) fail("a rank", "yields to a worse one");
    const silentMs = nowMs - this.#sentAtMs - this.#tolerance.roundingMs;
    if (duty === "answer" && silentMs > this.config.advertIntervalMs / ANSWERS_PER_INTERVAL)
      fail("a rank", "does not tell a worse one that there is a master");
  }

  perform(effects: readonly Effect[], nowMs: number): void {
    for (const effect of effects) this.#performOne(effect, nowMs);
    if (this.role !== "out" && this.role !== "master")
      fail("g order", `stops half way, ${this.role}`);
  }

  /** To be told after each event, with the state that came of it. */
  check({ protocol }: VirtualRouter, ticked: boolean, nowMs: number): void {
    if ((protocol.type === "master") !== this.isMaster)
      fail("b addresses", `is ${protocol.type} and ${this.role} by its effects`);
    if (protocol.type === "backup") {
      const { masterDownAtMs } = protocol;
      if (masterDownAtMs === undefined) this.#checkPromotion(nowMs);
      else this.#checkDeadline(masterDownAtMs);
      this.#wait.ready = masterDownAtMs === undefined;
    }
    if (ticked && this.isMaster) this.#checkSpacing(nowMs);
  }

  /** Section 6.4.3. */
  #dutyTo(from: number, priority: number, nowMs: number): Duty {
    const { advertIntervalMs, answerLowerPriority } = this.config;
    if (nowMs - this.#sentAtMs > this.#downMs(advertIntervalMs)) return "unknown";
    if (priority !== RESIGN && (priority - this.priority || from - this.#node) > 0) return "yield";
    return priority === RESIGN || answerLowerPriority ? "answer" : "stay";
  }

  #performOne(effect: Effect, nowMs: number): void {
    const { role } = this;
    switch (effect.type) {
      case "send-advertisement":
        return this.#sends(effect.advertisement.priority, nowMs);
      case "add-addresses":
        if (role === "promoting") this.role = "holding";
        else if (role !== "master") fail("b addresses", `adds addresses, ${role}`);
        return undefined;
      case "remove-addresses":
        if (role !== "master" && role !== "resigned")
          fail("b addresses", `removes addresses, ${role}`);
        this.#saidResigned = role === "resigned";
        this.role = "released";
        return undefined;
      case "renew-addresses":
      case "announce":
        if (role !== "master" && role !== "holding") fail("g order", `${effect.type}, ${role}`);
        return undefined;
      case "transition":
        return effect.to === "master"
          ? this.#promoted(effect, nowMs)
          : this.#left(effect, effect.to, nowMs);
      case "notice":
        if (effect.notice.type === "woke-up-late" && role === "out") this.#listensAgain(nowMs);
        return undefined;
      case "contention":
        if (role !== "master") fail("g order", `contends, ${role}`);
        return undefined;
      case "priority-changed":
        return undefined;
    }
  }

  #sends(priority: number, nowMs: number): void {
    if (!this.linkUp) fail("g order", "advertises without a link");
    if (priority === RESIGN) {
      if (this.role !== "master") fail("c resignation", `says priority 0, ${this.role}`);
      this.role = "resigned";
      return;
    }
    if (priority !== this.priority)
      fail("g order", `advertises priority ${priority}, which is ${this.priority}`);
    if (this.role === "out") this.role = "promoting";
    else if (this.role === "master") this.#checkSpacing(nowMs);
    else fail("c resignation", `advertises, ${this.role}`);
    this.#sentAtMs = nowMs;
    this.#slept = false;
  }

  #promoted({ reason }: Transition, nowMs: number): void {
    if (this.role === "promoting") fail("b addresses", "becomes master without addresses");
    if (this.role !== "holding") fail("g order", `becomes master, ${this.role}`);
    if (reason !== "address owner") this.#checkPromotion(nowMs);
    else if (this.priority !== OWNER) fail("e patience", "takes itself for an address owner");
    this.role = "master";
  }

  #left({ from, reason }: Transition, to: Transition["to"], nowMs: number): void {
    const { role } = this;
    if (role === "master" || role === "resigned")
      fail("b addresses", `becomes ${to} with addresses, ${role}`);
    if ((from === "master") !== (role === "released") || (role !== "out" && role !== "released"))
      fail("g order", `leaves ${from}, ${role}`);
    this.role = "out";
    const followed =
      reason === "higher priority heard" || reason === "equal priority and higher address heard";
    if (role === "released") this.#checkFarewell(followed, reason === "woke up late", nowMs);
    if (to !== "backup") return;
    this.#wait.begin(nowMs);
    if (followed) this.#wait.follow(this.#heardFrom, this.#heardIntervalMs);
    const { initialState, syncGroup } = this.config;
    const begins = reason === "start" || reason === "fault cleared";
    if (!begins || this.priority !== OWNER || initialState === "backup") return;
    if (syncGroup === undefined)
      fail("e promptness", "listens first, although it is the address owner");
    this.#wait.ready = true;
  }

  #checkFarewell(followed: boolean, late: boolean, nowMs: number): void {
    if (late) {
      const silentMs = nowMs - this.#sentAtMs + this.#tolerance.roundingMs;
      if (silentMs <= this.#downMs(this.config.advertIntervalMs))
        fail("e promptness", "gives up as too late, and is not");
      if (this.#saidResigned) fail("c resignation", "says priority 0 after it was away");
    } else if (followed) {
      if (this.#saidResigned) fail("c resignation", "says priority 0 to a better one");
      if (this.#duty !== "yield" && this.#duty !== "unknown")
        fail("a rank", "yields although nobody better is heard");
    } else if (!this.#saidResigned && this.linkUp)
      fail("c resignation", "stops being master without a word");
  }

  #listensAgain(nowMs: number): void {
    const lateMs = nowMs - this.#wait.dueMs(this.priority);
    if (lateMs <= this.#wait.lateMaxMs - this.#tolerance.roundingMs)
      fail("e promptness", "takes itself for late, and is not");
    this.#wait.again(nowMs);
  }

  #checkPromotion(nowMs: number): void {
    if (this.#wait.ready) return;
    const lateMs = nowMs - this.#wait.dueMs(this.priority);
    const { roundingMs } = this.#tolerance;
    if (lateMs < -roundingMs) fail("e patience", `promotes itself ${-lateMs} ms early`);
    if (lateMs > this.#wait.lateMaxMs + roundingMs)
      fail("e patience", `promotes itself ${lateMs} ms late, without listening first`);
  }

  #checkDeadline(masterDownAtMs: number): void {
    const lateMs = masterDownAtMs - this.#wait.dueMs(this.priority);
    const { roundingMs } = this.#tolerance;
    if (lateMs < -roundingMs) fail("e patience", `means to wait ${-lateMs} ms too short`);
    if (lateMs > roundingMs) fail("e promptness", `means to wait ${lateMs} ms too long`);
  }

  #checkSpacing(nowMs: number): void {
    const { advertIntervalMs } = this.config;
    const { latenessMs, roundingMs } = this.#tolerance;
    const gapMs = nowMs - this.#sentAtMs - roundingMs;
    if (gapMs > advertIntervalMs + this.#downMs(advertIntervalMs))
      fail("i spacing", `is still master after ${gapMs} ms of silence`);
    if (!this.#slept && gapMs > advertIntervalMs + latenessMs)
      fail("i spacing", `is silent for ${gapMs} ms`);
  }

  #downMs(intervalMs: number): number {
    return masterDownIntervalMs(this.config, this.priority, intervalMs);
  }
}

function fail(invariant: Invariant, what: string): never {
  throw new Violation(invariant, what);
}
