/** What counts besides the protocol: checks, interfaces, files and processes, and how each weighs. */
import * as z from "zod";
import type { Tracker, TrackerKind } from "../vrrp/config.ts";
import { nearest } from "./diagnostic.ts";
import { HOUR_MS, duration, interfaceName, name, weight } from "./values.ts";

const reverse = z.boolean().optional();
const delay = duration(0, HOUR_MS, "0s to 60m");

export const trackedFile = z.strictObject({
  path: z.string().regex(/^\//, "expected an absolute path"),
  weight: z.int().min(-254).max(254).default(1),
  reverse: z.boolean().default(false),
  delay: delay.default(0),
});

export const trackedProcess = z.strictObject({
  name: z.string().min(1),
  arguments: z.array(z.string()).optional(),
  match: z.enum(["exact", "initial", "partial"]).default("exact"),
  fullCommand: z.boolean().default(false),
  quorum: z.int().min(1).max(65_535).default(1),
  quorumMax: z.int().min(0).max(65_535).optional(),
  riseDelay: delay.default(0),
  fallDelay: delay.default(0),
  weight: weight.default(0),
  reverse: z.boolean().default(false),
});

const weighed = { weight: weight.optional(), reverse };
const list = <T extends z.ZodType>(entry: T) => z.array(z.union([name, entry])).default([]);

/** What one virtual router, or one sync group, tracks. */
export const track = z
  .strictObject({
    /** Its own interface. */
    interface: z.boolean().default(true),
    checks: list(z.strictObject({ check: name, ...weighed })),
    interfaces: z
      .array(
        z.union([
          interfaceName,
          z.strictObject({
            interface: interfaceName,
            ...weighed,
            riseDelay: delay.optional(),
            fallDelay: delay.optional(),
          }),
        ]),
      )
      .default([]),
    files: list(z.strictObject({ file: name, ...weighed })),
    processes: list(z.strictObject({ process: name, ...weighed })),
  })
  .prefault({});

export type Track = z.infer<typeof track>;

/** What references may name, with the weight that each has by itself. */
export interface Trackables {
  readonly checks: Readonly<Record<string, Weighed>>;
  readonly files: Readonly<Record<string, Weighed>>;
  readonly processes: Readonly<Record<string, Weighed>>;
}

interface Weighed {
  readonly weight: number;
  readonly reverse?: boolean | undefined;
}

type Lists = "checks" | "interfaces" | "files" | "processes";

const KINDS: Readonly<Record<Lists, TrackerKind>> = {
  checks: "check",
  interfaces: "interface",
  files: "file",
  processes: "process",
};

/** The name under which the engine knows a tracker: checks keep theirs, the others say what they are. */
export function trackerName(kind: TrackerKind, named: string): string {
  return kind === "check" ? named : `${kind} ${named}`;
}

/** Resolves every reference, or reports why it cannot be. */
export function trackersOf(
  tracked: Track,
  trackables: Trackables,
  report: (path: readonly (string | number)[], message: string) => void,
): Tracker[] {
  return (Object.keys(KINDS) as Lists[]).flatMap((list) => {
    const kind = KINDS[list];
    const seen = new Set<string>();
    return tracked[list].flatMap((entry, index): Tracker[] => {
      const detail = typeof entry === "string" ? undefined : entry;
      const named = typeof entry === "string" ? entry : nameIn(entry);
      const known: Weighed | undefined =
        list === "interfaces" ? { weight: 0 } : own(trackables[list], named);
      if (known === undefined) {
        report([list, index], unknown(kind, named, list, trackables));
        return [];
      }
      if (seen.has(named)) {
        report([list, index], `the ${kind} ${JSON.stringify(named)} is listed twice`);
        return [];
      }
      seen.add(named);
      return [
        {
          name: trackerName(kind, named),
          kind,
          weight: detail?.weight ?? known.weight,
          reverse: detail?.reverse ?? known.reverse ?? false,
          ...(detail !== undefined && "interface" in detail
            ? { riseDelayMs: detail.riseDelay, fallDelayMs: detail.fallDelay }
            : {}),
        },
      ];
    });
  });
}

function nameIn(entry: Exclude<Track[Lists][number], string>): string {
  if ("check" in entry) return entry.check;
  if ("interface" in entry) return entry.interface;
  return "file" in entry ? entry.file : entry.process;
}

function unknown(kind: string, named: string, list: Lists, trackables: Trackables): string {
  const candidates = list === "interfaces" ? [] : Object.keys(trackables[list]);
  const meant = nearest(named, candidates);
  const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  return `there is no ${kind} named ${JSON.stringify(named)} under ${list}${hint}`;
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
