/** `garp_...`: bursts of gratuitous ARP and unsolicited neighbour advertisements. */
import type { UserVirtualRouter } from "../define.ts";
import type { Context } from "./context.ts";
import { duration, present, upToAnHour } from "./context.ts";
import type { Globals } from "./global.ts";
import type { Block, Found, Grammar, Report, Statement } from "./keyword.ts";
import { custom, ignored, integer, last, seconds } from "./keyword.ts";

const SECONDS_MAX = 4294;
const COUNT_MAX = 2_147_483_647;
/** What karuntime sends at most for each address. */
const BURST_MAX = 255;
const GAP_MS_MAX = 60_000;
const GAP_SECONDS_MIN = 0.000_001;
const GAP_SECONDS_MAX = 4294.967_295;

/** The keywords of an instance; those of `global_defs` have `vrrp_` before them. */
export const announcementGrammar = {
  garp_master_delay: integer(0, SECONDS_MAX),
  garp_master_repeat: integer(0, COUNT_MAX),
  garp_master_refresh: integer(0, SECONDS_MAX),
  garp_master_refresh_repeat: integer(0, COUNT_MAX),
  garp_lower_prio_delay: integer(0, SECONDS_MAX),
  garp_lower_prio_repeat: integer(0, COUNT_MAX),
  garp_extra_if: ignored("addresses on other interfaces are announced where they are"),
  vmac_garp_intvl: ignored("addresses on other interfaces are announced where they are"),
} as const satisfies Grammar;

/** The gap between frames; 0 stands in very many configurations and never had a meaning. */
export const gap = {
  ...custom((statement: Statement, report: Report) => {
    const [word] = statement.parameters;
    if (word !== undefined && Number(word.text) === 0) {
      report.warning(
        word,
        "keepalived.zero-interval",
        `${statement.keyword.text} 0 is outside keepalived's range and means nothing: there is no gap unless one is given`,
        "take the line out",
      );
      return undefined;
    }
    return seconds(GAP_SECONDS_MIN, GAP_SECONDS_MAX).read(statement, report);
  }),
};

/** What a virtual router's announcements depend on besides its own words. */
export interface AnnouncementPlace {
  readonly device: string;
  readonly family: "ipv4" | "ipv6";
  readonly strict: boolean;
  readonly globals: Globals;
}

/** How a virtual router announces its addresses; undefined where it does so by default. */
export function announcementOf(
  found: Block<typeof announcementGrammar>,
  { device, family, strict, globals }: AnnouncementPlace,
  { report }: Context,
): UserVirtualRouter["gratuitousArp"] {
  const count = countOf(found.garp_master_repeat, globals.garp.count, 1, report);
  const delay = last(found.garp_master_delay) ?? globals.garp.delay;
  const refresh = last(found.garp_master_refresh) ?? globals.garp.refresh;
  const refreshCount = countOf(
    found.garp_master_refresh_repeat,
    globals.garp.refreshCount,
    1,
    report,
  );
  const contention = {
    count: countOf(found.garp_lower_prio_repeat, globals.garp.lowerPriorityCount, 0, report),
    repeatAfter: seconds1(last(found.garp_lower_prio_delay) ?? globals.garp.lowerPriorityDelay),
  };
  const pause = globals.gapOf(device, family);
  const at = found.garp_master_delay?.at(-1)?.statement;
  const value = {
    ...present({
      count,
      repeatAfter:
        delay === undefined
          ? undefined
          : at === undefined
            ? seconds1(delay)
            : upToAnHour(delay * 1000, at, report),
      refreshEvery: seconds1(refresh),
      refreshCount,
      gap: pause === undefined ? undefined : duration(Math.min(GAP_MS_MAX, pause)),
    }),
    ...(strict || Object.values(contention).every((entry) => entry === undefined)
      ? {}
      : { onContention: present(contention) }),
  };
  return Object.keys(value).length > 0 ? value : undefined;
}

function seconds1(value: number | undefined): ReturnType<typeof duration> | undefined {
  return value === undefined ? undefined : duration(Math.min(3600, value) * 1000);
}

function countOf(
  entries: readonly Found<number>[] | undefined,
  fallback: number | undefined,
  least: number,
  report: Report,
): number | undefined {
  const found = entries?.at(-1);
  const value = found?.value ?? fallback;
  if (value === undefined) return undefined;
  const bounded = Math.min(BURST_MAX, Math.max(least, value));
  if (bounded !== value && found !== undefined)
    report.warning(
      found.statement,
      "keepalived.bounded",
      `found ${value} frames; karuntime sends ${least} to ${BURST_MAX}, so ${bounded} it is`,
    );
  return bounded;
}
