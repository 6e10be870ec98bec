/** `interface_up_down_delays`: how long an interface must be down, or up, before it counts. */
import type { Duration, UserTrack, UserVirtualRouter } from "../define.ts";
import type { Context } from "./context.ts";
import { duration } from "./context.ts";
import type { Found, Statement } from "./keyword.ts";
import { required, secondsOf } from "./keyword.ts";

const SECONDS_MAX = 255;

interface Delays {
  readonly fallDelay: Duration;
  readonly riseDelay: Duration;
}

/** The delays by interface: lines of `IF DOWN [UP]`. */
export function interfaceDelays(
  blocks: readonly Found<readonly Statement[]>[] | undefined,
  { report }: Context,
): ReadonlyMap<string, Delays> {
  const delays = new Map<string, Delays>();
  for (const line of (blocks ?? []).flatMap(({ value }) => value)) {
    const down = required(line, 0, "a delay in seconds", report);
    const up = line.parameters[1];
    const fall = down === undefined ? undefined : secondsOf(down, 0, SECONDS_MAX, report);
    const rise = up === undefined ? 0 : secondsOf(up, 0, SECONDS_MAX, report);
    if (fall !== undefined && rise !== undefined)
      delays.set(line.keyword.text, { fallDelay: duration(fall), riseDelay: duration(rise) });
  }
  return delays;
}

/** The virtual router with the delays of the interfaces that it tracks, its own one above all. */
export function withDelays(
  router: UserVirtualRouter,
  delays: ReadonlyMap<string, Delays>,
): UserVirtualRouter {
  const own = delays.get(router.interface);
  const interfaces = (router.track?.interfaces ?? []).map((entry) => {
    const name = typeof entry === "string" ? entry : entry.interface;
    const found = delays.get(name);
    if (found === undefined) return entry;
    return typeof entry === "string" ? { interface: name, ...found } : { ...entry, ...found };
  });
  const tracked: UserTrack["interfaces"] =
    own === undefined || router.track?.interface === false
      ? interfaces
      : [...interfaces, { interface: router.interface, ...own }];
  if (tracked.length === 0) return router;
  return {
    ...router,
    track: {
      ...router.track,
      interfaces: tracked,
      // It counts as a tracked one now, which has delays.
      ...(own === undefined ? {} : { interface: false }),
    },
  };
}
