/**
 * The network between the nodes: for each direction of each pair a path with its own losses, duplicates and delays.
 * Messages on one path overtake each other, because each has its own delay.
 */
import { Random } from "./random.ts";
import type { Action } from "./scenario.ts";

export type NetworkAction = Exclude<Action, { readonly node: number }>;

/** What every path does when nothing is wrong with it. */
export interface Quality {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Never so many in a row that the protocol may take the sender for dead: see `lossesInRowMax`. */
  readonly lossRate: number;
  readonly duplicateRate: number;
}

/** One direction between two nodes. Impaired in any way, and the network is not whole. */
interface Path {
  readonly random: Random;
  cut: boolean;
  lossRate: number;
  slowMs: number;
  /** By virtual router: what the ordinary loss took since the last message that arrived. */
  readonly lostInRow: number[];
}

export class Network {
  readonly #paths: readonly (readonly Path[])[];
  readonly #quality: Quality;
  readonly #lossesInRowMax: readonly number[];
  #impaired = 0;

  /** @param lossesInRowMax by virtual router. */
  constructor(
    size: number,
    quality: Quality,
    lossesInRowMax: readonly number[],
    seed: number,
    stream: number,
  ) {
    this.#quality = quality;
    this.#lossesInRowMax = lossesInRowMax;
    this.#paths = Array.from({ length: size }, (_, from) =>
      Array.from({ length: size }, (__, to) => ({
        random: new Random(seed, stream + from * size + to),
        cut: false,
        lossRate: 0,
        slowMs: 0,
        lostInRow: lossesInRowMax.map(() => 0),
      })),
    );
  }

  /** Whether every path does no worse than its quality promises. */
  get whole(): boolean {
    return this.#impaired === 0;
  }

  /** How long a message is under way; undefined when it is lost. */
  delayMs(from: number, to: number, router: number): number | undefined {
    const path = this.#path(from, to);
    const { random } = path;
    const { delayMinMs, delayMaxMs, lossRate } = this.#quality;
    if (path.cut || random.chance(path.lossRate)) return undefined;
    const lost = path.lostInRow[router] ?? 0;
    if (lost < (this.#lossesInRowMax[router] ?? 0) && random.chance(lossRate)) {
      path.lostInRow[router] = lost + 1;
      return undefined;
    }
    path.lostInRow[router] = 0;
    return (
      random.between(delayMinMs, delayMaxMs) + (path.slowMs > 0 ? random.next() * path.slowMs : 0)
    );
  }

  /** The same for a second copy of a message that arrives; undefined when there is none. */
  duplicateDelayMs(from: number, to: number): number | undefined {
    const path = this.#path(from, to);
    const { delayMinMs, delayMaxMs, duplicateRate } = this.#quality;
    if (!path.random.chance(duplicateRate)) return undefined;
    return path.random.between(delayMinMs, delayMaxMs);
  }

  change(action: NetworkAction): void {
    switch (action.type) {
      case "heal":
        return this.#heal();
      case "cut":
        return this.#change(action.from, action.to, (path) => (path.cut = true));
      case "lossy":
        return this.#change(action.from, action.to, (path) => (path.lossRate = action.rate));
      case "slow":
        return this.#change(action.from, action.to, (path) => (path.slowMs = action.ms));
      case "partition": {
        const { side } = action;
        for (let from = 0; from < this.#paths.length; from++)
          for (let to = 0; to < this.#paths.length; to++)
            if (side.includes(from) !== side.includes(to))
              this.#change(from, to, (path) => (path.cut = true));
      }
    }
  }

  /** Everything is well again. What is under way stays under way. */
  #heal(): void {
    for (const row of this.#paths) {
      for (const path of row) {
        path.cut = false;
        path.lossRate = 0;
        path.slowMs = 0;
      }
    }
    this.#impaired = 0;
  }

  #change(from: number, to: number, change: (path: Path) => void): void {
    const path = this.#path(from, to);
    const before = isImpaired(path);
    change(path);
    this.#impaired += Number(isImpaired(path)) - Number(before);
  }

  #path(from: number, to: number): Path {
    const path = this.#paths[from]?.[to];
    if (path === undefined) throw new Error(`no path from ${from} to ${to}`);
    return path;
  }
}

function isImpaired({ cut, lossRate, slowMs }: Path): boolean {
  return cut || lossRate > 0 || slowMs > 0;
}
