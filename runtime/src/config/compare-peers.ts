/**
 * Two hosts' configurations side by side: what keeps them from being one group, and what can never change which of
 * them is master.
 */
import type { Tracker, VirtualRouterConfig } from "../vrrp/config.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Configuration } from "./model.ts";

const OWNER = 255;

/** @param file the configuration that is spoken of; the other one is "the other host". */
export function comparePeers(
  mine: Configuration,
  theirs: Configuration,
  file: string,
): Diagnostic[] {
  return mine.virtualRouters.flatMap((router) => {
    const other = theirs.virtualRouters.find(
      ({ id, family }) => id === router.id && family === router.family,
    );
    const say = (code: string, message: string, hint?: string): Diagnostic => ({
      severity: "warning",
      code,
      message,
      file,
      path: `virtualRouters.${router.name}`,
      ...(hint === undefined ? {} : { hint }),
    });
    if (other === undefined)
      return [
        say(
          "peers.missing",
          `the other host has no ${router.family} virtual router with the id ${router.id}`,
        ),
      ];
    return [...disagreements(router, other, say), ...standoffs(router, other, say)];
  });
}

type Say = (code: string, message: string, hint?: string) => Diagnostic;

/** What makes one host drop the other's advertisements, or both masters. */
function disagreements(
  mine: VirtualRouterConfig,
  theirs: VirtualRouterConfig,
  say: Say,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (mine.version !== theirs.version)
    found.push(
      say(
        "peers.version",
        `version ${mine.version} here and ${theirs.version} there: both become master`,
      ),
    );
  if (mine.version === 2 && mine.advertIntervalMs !== theirs.advertIntervalMs)
    found.push(
      say(
        "peers.interval",
        `an interval of ${mine.advertIntervalMs} ms here and ${theirs.advertIntervalMs} ms there: with version 2 both become master`,
      ),
    );
  if (JSON.stringify(mine.authentication) !== JSON.stringify(theirs.authentication))
    found.push(
      say(
        "peers.authentication",
        "authentication differs from the other host's: both become master",
      ),
    );
  const list = (router: VirtualRouterConfig): string =>
    router.addresses
      .map(({ address }) => address)
      .toSorted()
      .join(", ");
  if (list(mine) !== list(theirs))
    found.push(
      say(
        "peers.addresses",
        `the addresses are ${list(mine)} here and ${list(theirs)} there; keepalived 2.2 makes both hosts master then`,
      ),
    );
  if (mine.transport.type !== theirs.transport.type)
    found.push(
      say(
        "peers.transport",
        `${mine.transport.type} here and ${theirs.transport.type} there: both become master`,
      ),
    );
  return found;
}

/** What leaves the order of the two hosts to chance, or as it is. */
function standoffs(mine: VirtualRouterConfig, theirs: VirtualRouterConfig, say: Say): Diagnostic[] {
  const found: Diagnostic[] = [];
  if (mine.priority === theirs.priority)
    found.push(
      say(
        "peers.equal-priorities",
        `both hosts have the priority ${mine.priority}: the greater address wins, whatever their states say`,
        "give the host that should be master the higher priority",
      ),
    );
  for (const tracker of mine.trackers) {
    const why = withoutEffect(mine, theirs, tracker);
    if (why !== undefined) found.push(say("peers.weight", why));
  }
  return found;
}

/** Why a tracker that fails on the host with the higher priority leaves the addresses there. */
function withoutEffect(
  mine: VirtualRouterConfig,
  theirs: VirtualRouterConfig,
  { name, kind, weight }: Tracker,
): string | undefined {
  if (weight === 0 || kind === "file" || mine.priority <= theirs.priority) return undefined;
  const total = (router: VirtualRouterConfig, failed?: string): number =>
    router.priority === OWNER
      ? OWNER
      : Math.min(
          254,
          Math.max(
            1,
            router.trackers.reduce((sum, entry) => {
              const up = entry.name !== failed;
              return sum + (entry.weight > 0 ? (up ? entry.weight : 0) : up ? 0 : entry.weight);
            }, router.priority),
          ),
        );
  const failed = total(mine, name);
  const other = total(theirs);
  if (failed < other) return undefined;
  const equal = failed === other ? ", where only the greater address decides" : "";
  return `when ${name} is down here, the priority goes from ${total(mine)} to ${failed}, and the other host's is ${other}${equal}: the weight ${weight} can never move the addresses`;
}
