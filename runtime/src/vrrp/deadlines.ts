/**
 * Who has to act next, among many: a binary heap of deadlines. A deadline that moves later (a backup's, at every
 * advertisement) costs nothing; the old entry is looked at when it comes up.
 */

interface Entry<T> {
  readonly atMs: number;
  readonly owner: T;
}

export class Deadlines<T extends object> {
  readonly #heap: Entry<T>[] = [];
  /** The earliest entry of each owner; undefined deadlines have none. */
  readonly #queued = new Map<T, number>();
  readonly #deadlineOf: (owner: T) => number | undefined;

  /** @param deadlineOf what the owner's deadline is now. */
  constructor(deadlineOf: (owner: T) => number | undefined) {
    this.#deadlineOf = deadlineOf;
  }

  /** To be called after everything that may have moved an owner's deadline. */
  update(owner: T): void {
    const atMs = this.#deadlineOf(owner);
    if (atMs === undefined || atMs >= (this.#queued.get(owner) ?? Number.POSITIVE_INFINITY)) return;
    this.#push({ atMs, owner });
  }

  /** The earliest deadline; undefined when nobody has one. */
  next(): number | undefined {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined) return undefined;
      const atMs = this.#deadlineOf(first.owner);
      // Only an owner's earliest entry counts, and only while it says what the owner says.
      if (this.#queued.get(first.owner) === first.atMs && atMs === first.atMs) return first.atMs;
      this.#pop();
      if (this.#queued.get(first.owner) !== first.atMs) continue;
      this.#queued.delete(first.owner);
      if (atMs !== undefined) this.#push({ atMs, owner: first.owner });
    }
  }

  /** Takes out one owner whose deadline is over; it comes back by `update`. */
  takeDue(nowMs: number): T | undefined {
    const next = this.next();
    if (next === undefined || next > nowMs) return undefined;
    const entry = this.#pop();
    if (entry !== undefined) this.#queued.delete(entry.owner);
    return entry?.owner;
  }

  #push(entry: Entry<T>): void {
    this.#queued.set(entry.owner, entry.atMs);
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #pop(): Entry<T> | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = this.#at(right) < this.#at(left) ? right : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, index)) return first;
      index = child;
    }
  }

  #swapIfEarlier(index: number, other: number): boolean {
    const a = this.#heap[index];
    const b = this.#heap[other];
    if (a === undefined || b === undefined || a.atMs >= b.atMs) return false;
    this.#heap[index] = b;
    this.#heap[other] = a;
    return true;
  }

  #at(index: number): number {
    return this.#heap[index]?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
