/** The guest's setTimeout. */

const MILLISECONDS_MAX = 3_600_000;

/** Resolves after `argument.milliseconds`, or never once the invocation has ended. */
export function performTimer(argument: unknown, signal: AbortSignal): Promise<undefined> {
  const asked = Number((argument as { readonly milliseconds?: unknown } | null)?.milliseconds);
  const milliseconds = Number.isFinite(asked) ? Math.min(MILLISECONDS_MAX, Math.max(1, asked)) : 1;
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), milliseconds);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
