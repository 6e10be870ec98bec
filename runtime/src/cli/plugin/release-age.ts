/** How old a release is by its registry: a hijacked one is often found out within days. */
import { npmJson } from "../npm.ts";

const UNITS_MS = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
} as const;

/** Writes a warning when the release is younger, or nobody says how old it is. */
export async function warnOfAge(
  { name, version }: { readonly name: string; readonly version: string },
  leastMs: number,
  registry: readonly string[],
  cwd: string,
): Promise<void> {
  if (leastMs === 0) return;
  const times = (await npmJson(["view", name, "time", ...registry], cwd)) as Readonly<
    Record<string, string>
  > | null;
  const released = Date.parse(times?.[version] ?? "");
  if (Number.isNaN(released))
    process.stderr.write(`warning: the registry does not say when ${version} was released\n`);
  else if (Date.now() - released < leastMs)
    process.stderr.write(
      `warning: ${name} ${version} was released at ${new Date(released).toISOString()}, less than ${leastMs / UNITS_MS.d} days ago; wait, or look at it closely\n`,
    );
}

/** "3d", "12h", "30m", or "0". @throws Error when it is none. */
export function ageMs(text: string): number {
  const [, amount, unit = "d"] = /^(\d+)([mhd])?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new Error(`--min-age: found ${JSON.stringify(text)}, expected 3d, 12h, 30m or 0`);
  return Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
}
