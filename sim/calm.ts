/** When order has to be back: so long after the last disturbance as the timers allow, if the network is whole by then. */

export class Calm {
  /** Order is back. From here on nothing may move. */
  ordered = false;
  /** How often order came back. */
  count = 0;
  readonly #convergenceMs: number;
  /** Until when there was, or will be, a cause for a change. */
  #disturbedMs = 0;
  #orderAtMs = Number.POSITIVE_INFINITY;

  constructor(convergenceMs: number) {
    this.#convergenceMs = convergenceMs;
  }

  /** @param whole whether everything is well, and only what has happened must be got over. */
  disturb(untilMs: number, whole: boolean): void {
    this.#disturbedMs = Math.max(this.#disturbedMs, untilMs);
    this.ordered = false;
    this.#orderAtMs = whole ? this.#disturbedMs + this.#convergenceMs : Number.POSITIVE_INFINITY;
  }

  /** Whether the time was over before this one; true once for each calm. */
  isOver(nowMs: number): boolean {
    if (nowMs <= this.#orderAtMs) return false;
    this.#orderAtMs = Number.POSITIVE_INFINITY;
    this.ordered = true;
    this.count++;
    return true;
  }
}
