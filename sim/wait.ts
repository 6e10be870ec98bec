/** The books of a backup: what RFC 9568 section 6.4.2 makes of what it heard, and until when it has to wait. */
import type { VirtualRouterConfig } from "../runtime/src/vrrp/config.ts";
import { masterDownIntervalMs, skewTimeMs } from "../runtime/src/vrrp/timers.ts";

const NOBODY = -1;
const OWNER = 255;

export class Wait {
  /** In a sync group: its own wait is over. */
  ready = false;
  /** From when it waits, whether for the skew alone, and by which interval. */
  #fromMs = 0;
  #forSkew = false;
  #intervalMs = 0;
  /** What the master last claimed, and who that is. */
  #claimedMs = 0;
  #master = NOBODY;
  #resigned = false;
  #inferiorSinceMs: number | undefined;
  readonly #config: VirtualRouterConfig;

  constructor(config: VirtualRouterConfig) {
    this.#config = config;
  }

  copy(): Wait {
    const copy = new Wait(this.#config);
    copy.ready = this.ready;
    copy.#fromMs = this.#fromMs;
    copy.#forSkew = this.#forSkew;
    copy.#intervalMs = this.#intervalMs;
    copy.#claimedMs = this.#claimedMs;
    copy.#master = this.#master;
    copy.#resigned = this.#resigned;
    copy.#inferiorSinceMs = this.#inferiorSinceMs;
    return copy;
  }

  /** When it has to act, with this priority. */
  dueMs(priority: number): number {
    const { version } = this.#config;
    const waitMs = this.#forSkew
      ? skewTimeMs(version, priority, this.#intervalMs)
      : masterDownIntervalMs(this.#config, priority, this.#intervalMs);
    return this.#fromMs + waitMs;
  }

  /** Later than that, and a master may have been heard by everybody but the one that slept. */
  get lateMaxMs(): number {
    return Math.min(this.#config.advertIntervalMs, this.#intervalMs);
  }

  /** Becomes backup. */
  begin(nowMs: number): void {
    this.ready = false;
    this.#fromMs = nowMs;
    this.#forSkew = false;
    this.#intervalMs = this.#config.advertIntervalMs;
    this.#claimedMs = 0;
    this.#master = NOBODY;
    this.#resigned = false;
    this.#inferiorSinceMs = undefined;
  }

  /** Became backup because of this one. */
  follow(master: number, claimedMs: number): void {
    this.#master = master;
    if (this.#config.version === 2) return;
    this.#claimedMs = claimedMs;
    this.#intervalMs = Math.max(this.#intervalMs, claimedMs);
  }

  /** Slept for so long that it has to listen again. */
  again(nowMs: number): void {
    this.#fromMs = nowMs;
    this.#forSkew = false;
    this.#inferiorSinceMs = undefined;
  }

  /** An advertisement that is no resignation. */
  hearMaster(from: number, theirs: number, own: number, claimedMs: number, nowMs: number): void {
    const { preempt, preemptDelayMs, version } = this.#config;
    if (theirs < own && (preempt || own === OWNER)) {
      this.#inferiorSinceMs ??= nowMs;
      if (nowMs - this.#inferiorSinceMs >= preemptDelayMs) return;
    } else this.#inferiorSinceMs = undefined;
    if (version === 3) {
      // A shorter interval counts when the same master claims it for the second time.
      const repeated = this.#master === from && this.#claimedMs === claimedMs;
      if (claimedMs >= this.#intervalMs || repeated) this.#intervalMs = claimedMs;
      this.#claimedMs = claimedMs;
    }
    this.#master = from;
    this.#resigned = false;
    this.#fromMs = nowMs;
    this.#forSkew = false;
    this.ready = false;
  }

  /** Priority 0: of the master, or of somebody where no master is known. */
  hearResignation(from: number, own: number, nowMs: number): void {
    if ((this.#master !== NOBODY && this.#master !== from) || this.ready) return;
    const skewedMs = nowMs + skewTimeMs(this.#config.version, own, this.#intervalMs);
    const known = this.#resigned && this.dueMs(own) <= skewedMs;
    this.#master = from;
    this.#resigned = true;
    if (known) return;
    this.#fromMs = nowMs;
    this.#forSkew = true;
  }
}
