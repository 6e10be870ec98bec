/** What a configuration says about sandbox hosts. */
import * as z from "zod";
import type { SandboxConfiguration } from "./model.ts";
import { HOUR_MS, duration, name } from "./values.ts";

const UNIT_BYTES = { MB: 1024 ** 2, GB: 1024 ** 3 } as const;
/** A host without plugins takes nearly half of it. */
const BYTES_MIN = 64 * UNIT_BYTES.MB;
const BYTES_MAX = 64 * UNIT_BYTES.GB;

const memory = z.string().transform((text, context) => {
  const match = /^(\d+(?:\.\d+)?)(MB|GB)$/.exec(text);
  const bytes =
    match === null
      ? Number.NaN
      : Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES];
  if (bytes >= BYTES_MIN && bytes <= BYTES_MAX) return Math.floor(bytes);
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected a size such as "256MB" or "1GB", 64MB to 64GB`,
  });
  return z.NEVER;
});

export const sandbox = z
  .strictObject({
    user: z.string().min(1).optional(),
    memory: memory.optional(),
    idleAfter: duration(1000, HOUR_MS, "1s to 60m").default(600_000),
    groups: z.record(name, z.array(z.string().min(1))).default({}),
  })
  .prefault({});

/** @param report takes what is wrong, with its path. */
export function sandboxOf(
  parsed: z.infer<typeof sandbox>,
  report: (path: readonly (string | number)[], message: string) => void,
): SandboxConfiguration {
  const trustGroups: Record<string, string> = {};
  for (const [group, packages] of Object.entries(parsed.groups))
    for (const [index, member] of packages.entries()) {
      if (Object.hasOwn(trustGroups, member))
        report(
          ["groups", group, index],
          `${member} is in the group ${trustGroups[member]} already`,
        );
      trustGroups[member] = group;
    }
  return {
    user: parsed.user,
    memoryBytes: parsed.memory,
    idleAfterMs: parsed.idleAfter,
    trustGroups,
  };
}
