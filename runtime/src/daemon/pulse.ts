/** The daemon wakes up once a second for everything that it watches, and not for each by itself. */

export const PULSE_MS = 1000;

const listeners = new Set<() => void>();
let timer: NodeJS.Timeout | undefined;

/** @returns ends it. */
export function onPulse(listener: () => void): () => void {
  // The same function may be given twice.
  const own = (): void => listener();
  listeners.add(own);
  timer ??= setInterval(beat, PULSE_MS);
  return () => {
    listeners.delete(own);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function beat(): void {
  for (const listener of listeners) listener();
}
