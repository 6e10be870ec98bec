/** Passes a value on once it has stayed for as long as it must. */

export interface Debounce<T> {
  /** The present value. The first one of all is passed on at once. */
  set(value: T): void;
  /** Passes nothing on any more. */
  close(): void;
}

/**
 * @param delayMs how long this value must stay; 0: not at all.
 * @param pass gets each value that differs from the one passed on before.
 */
export function debounce<T extends string | number>(
  delayMs: (value: T) => number,
  pass: (value: T) => void,
): Debounce<T> {
  let passed: T | undefined;
  let pending: NodeJS.Timeout | undefined;
  let waiting: T | undefined;
  return {
    set(value) {
      if (value === waiting) return;
      clearTimeout(pending);
      waiting = undefined;
      if (value === passed) return;
      const delay = passed === undefined ? 0 : delayMs(value);
      const settle = (): void => {
        waiting = undefined;
        passed = value;
        pass(value);
      };
      if (delay === 0) return settle();
      waiting = value;
      pending = setTimeout(settle, delay);
    },
    close: () => clearTimeout(pending),
  };
}
