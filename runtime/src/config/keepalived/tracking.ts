/** `track_script`, `track_interface` and their kin: what a virtual router or a sync group tracks. */
import type { UserTrack } from "../define.ts";
import { nearest } from "../diagnostic.ts";
import type { Context } from "./context.ts";
import type { Block, Found, Grammar, Statement } from "./keyword.ts";
import { lines, unsupported } from "./keyword.ts";
import type { Tracked } from "./track.ts";
import type { Weight } from "./weight.ts";
import { narrow, readWeight, WEIGHT_MAX, WIDE_WEIGHT_MAX } from "./weight.ts";
import { placeOf } from "./word.ts";

/** The blocks inside a virtual router and a sync group. */
export const trackBlocks = {
  track_interface: lines(),
  track_script: lines(),
  track_file: lines(),
  track_process: lines(),
  track_bfd: unsupported("there is no BFD yet", "lines"),
} as const satisfies Grammar;

/** A line of one of the blocks. */
interface Entry {
  readonly name: string;
  readonly weight: Partial<Weight>;
}

type Lines = readonly Found<readonly Statement[]>[] | undefined;

/**
 * What one virtual router or sync group tracks. Names that do not exist are left out and reported.
 *
 * @param ownInterface the one that is tracked in any case.
 */
export function trackOf(
  found: Block<typeof trackBlocks>,
  tracked: Tracked,
  ownInterface: string | undefined,
  context: Context,
): UserTrack {
  const { report } = context;
  const read = (blocks: Lines, most: number): Entry[] => entriesOf(blocks, most, context);
  const known = (
    blocks: Lines,
    kind: string,
    definitions: Readonly<Record<string, unknown>>,
    most: number,
  ): Entry[] => {
    reportUnknown(blocks, kind, definitions, context);
    return read(blocks, most).filter(({ name }) => Object.hasOwn(definitions, name));
  };
  const interfaces = read(found.track_interface, WEIGHT_MAX);
  for (const { keyword } of (found.track_interface ?? []).flatMap(({ value }) => value)) {
    if (!context.host.interfaces().has(keyword.text))
      report.warning(
        keyword,
        "keepalived.no-such-interface",
        `there is no interface ${keyword.text} on this host; until there is one, it is down`,
      );
    if (keyword.text === ownInterface)
      report.warning(
        keyword,
        "keepalived.no-effect",
        `${keyword.text} is the virtual router's own interface, which is tracked anyway`,
      );
  }
  const checks = known(found.track_script, "vrrp_script", tracked.checks, WEIGHT_MAX);
  const files = known(found.track_file, "track_file", tracked.files, WIDE_WEIGHT_MAX);
  const processes = known(
    found.track_process,
    "vrrp_track_process",
    tracked.processes,
    WIDE_WEIGHT_MAX,
  );
  const others = interfaces.filter(({ name }) => name !== ownInterface);
  return {
    ...(checks.length > 0 ? { checks: named("check", checks) } : {}),
    ...(others.length > 0 ? { interfaces: named("interface", others) } : {}),
    ...(files.length > 0 ? { files: named("file", files) } : {}),
    ...(processes.length > 0 ? { processes: named("process", processes) } : {}),
  };
}

/** The name alone where it says no more. */
function named<K extends string>(
  key: K,
  entries: readonly Entry[],
): (string | (Record<K, string> & Partial<Weight>))[] {
  return entries.map(({ name, weight }) =>
    Object.keys(weight).length === 0
      ? name
      : ({ [key]: name, ...weight } as Record<K, string> & Partial<Weight>),
  );
}

function reportUnknown(
  blocks: Lines,
  kind: string,
  definitions: Readonly<Record<string, unknown>>,
  { report }: Context,
): void {
  for (const { keyword } of (blocks ?? []).flatMap(({ value }) => value)) {
    const { text: name } = keyword;
    if (Object.hasOwn(definitions, name)) continue;
    const meant = nearest(name, Object.keys(definitions));
    report.error(
      keyword,
      "keepalived.unknown-reference",
      `there is no ${kind} named ${JSON.stringify(name)}; keepalived runs without it, unchecked`,
      meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`,
    );
  }
}

function entriesOf(blocks: Lines, most: number, context: Context): Entry[] {
  const seen = new Map<string, number>();
  return (blocks ?? []).flatMap(({ value }) =>
    value.flatMap((statement): Entry[] => {
      const { keyword } = statement;
      const first = seen.get(keyword.text);
      if (first !== undefined) {
        context.report.warning(
          keyword,
          "keepalived.repeated",
          `${keyword.text} is listed again (first at line ${first})`,
        );
        return [];
      }
      seen.set(keyword.text, placeOf(keyword).line);
      return [{ name: keyword.text, weight: weightOf(statement, most, context) }];
    }),
  );
}

function weightOf(statement: Statement, most: number, { report }: Context): Partial<Weight> {
  const [first, , third] = statement.parameters;
  if (first === undefined) return {};
  if (first.text !== "weight") {
    report.error(
      first,
      "keepalived.unknown-word",
      `found ${JSON.stringify(first.text)}, expected weight or nothing`,
    );
    return {};
  }
  const weighed = readWeight(statement, 1, most, report);
  if (weighed === undefined) return {};
  return {
    weight: narrow(weighed.weight, statement, report),
    ...(weighed.reverse
      ? { reverse: true }
      : third?.text === "noreverse"
        ? { reverse: false }
        : {}),
  };
}

/**
 * What is left of a virtual router's trackers where weights do not count: in a sync group without
 * `sync_group_tracking_weight`, and for the owner of the addresses.
 *
 * @param drop tells of each tracker that is left out, and of each whose weight is.
 */
export function withoutWeights(
  track: UserTrack,
  tracked: Tracked,
  tell: (name: string, dropped: boolean) => void,
): UserTrack {
  const keep = <T extends string | Partial<Weight>>(
    list: readonly T[] | undefined,
    nameOf: (entry: Exclude<T, string>) => string,
    ownWeight: (name: string) => number,
    weightless: (weight: number) => boolean,
    unweighted: (name: string) => T,
  ): T[] | undefined =>
    list?.flatMap((entry): T[] => {
      const name = typeof entry === "string" ? entry : nameOf(entry as Exclude<T, string>);
      const weight =
        (typeof entry === "string" ? undefined : (entry as Partial<Weight>).weight) ??
        ownWeight(name);
      if (weight === 0) return [entry];
      tell(name, !weightless(weight));
      return weightless(weight) ? [unweighted(name)] : [];
    });
  const { checks, interfaces, files, processes, ...rest } = track;
  const kept = {
    checks: keep(
      checks,
      (entry) => entry.check,
      (name) => tracked.checks[name]?.weight ?? 0,
      () => false,
      (name) => name,
    ),
    interfaces: keep(
      interfaces,
      (entry) => entry.interface,
      () => 0,
      () => true,
      (name) => name,
    ),
    files: keep(
      files,
      (entry) => entry.file,
      (name) => tracked.files[name]?.weight ?? 1,
      (weight) => weight === 1,
      (name) => ({ file: name, weight: 0 }),
    ),
    processes,
  };
  return {
    ...rest,
    ...Object.fromEntries(Object.entries(kept).filter(([, list]) => (list?.length ?? 0) > 0)),
  };
}
