/** The guest's setTimeout. */

const MILLISECONDS_MAX = 3_600_000;

/** Resolves after `argument.milliseconds`, or when it is given up: whoever counts what is under way waits for that. */
export function performTimer(argument: unknown, signal: AbortSignal): Promise<undefined> {
  const asked = Number((argument as { readonly milliseconds?: unknown } | null)?.milliseconds);
  const milliseconds = Number.isFinite(asked) ? Math.min(MILLISECONDS_MAX, Math.max(1, asked)) : 1;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve(undefined);
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
