/** At most so many pieces of work at a time; the others wait in order. */

export interface Semaphore {
  /** Waits for a place, where there is none. Whoever has taken one gives it back. */
  take(): Promise<void> | undefined;
  give(): void;
  /** Does the work in a place of its own. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createSemaphore(places: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = places;
  const semaphore: Semaphore = {
    take() {
      if (free === 0) return new Promise<void>((resolve) => waiting.push(resolve));
      free--;
      return undefined;
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
    async run(work) {
      await semaphore.take();
      try {
        return await work();
      } finally {
        semaphore.give();
      }
    },
  };
  return semaphore;
}
