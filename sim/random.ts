/** Random numbers that a seed determines: xoshiro128** (Blackman and Vigna), its state filled by splitmix32. */

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param stream tells apart generators of one seed, so that what one of them draws moves no other. */
  constructor(seed: number, stream = 0) {
    const fill = splitmix32((Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77)) | 0);
    this.#a = fill();
    this.#b = fill();
    this.#c = fill();
    // Never all zero, whatever the seed: that state has no successor.
    this.#d = fill() | 1;
  }

  /** 0 or more, below 1. */
  next(): number {
    const scrambled = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotated(this.#d, 11);
    return scrambled / 0x1_0000_0000;
  }

  /** A whole number, 0 or more, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const chosen = list[this.below(list.length)];
    if (chosen === undefined) throw new Error("nothing to pick from");
    return chosen;
  }
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function splitmix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
