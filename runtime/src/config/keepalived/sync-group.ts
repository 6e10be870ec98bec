/** `vrrp_sync_group`. */
import type { UserSyncGroup, UserVirtualRouter } from "../define.ts";
import { nearest } from "../diagnostic.ts";
import type { Context } from "./context.ts";
import type { Globals } from "./global.ts";
import type { Block, Found, Grammar, Section } from "./keyword.ts";
import { block, flag, lines, obsolete } from "./keyword.ts";
import { notificationsOf, notifyGrammar } from "./notify.ts";
import type { Tracked } from "./track.ts";
import { define } from "./track.ts";
import { trackBlocks, trackOf, withoutWeights } from "./tracking.ts";

const grammar = {
  group: lines(),
  ...trackBlocks,
  ...notifyGrammar,
  global_tracking: obsolete("sync groups always track for all their members"),
  sync_group_tracking_weight: flag(),
} as const satisfies Grammar;

export const syncGroup = {
  ...block(grammar, { expected: "the group's name", minimum: 1, maximum: 1 }),
  repeats: true,
};

export interface Surroundings {
  /** Those whose weights do not count are changed here. */
  readonly virtualRouters: Record<string, UserVirtualRouter>;
  readonly tracked: Tracked;
  readonly globals: Globals;
}

/** The sync groups by name; members that do not exist, or are in another group, are left out and reported. */
export function syncGroupsOf(
  sections: readonly Found<Section<typeof grammar>>[] | undefined,
  surroundings: Surroundings,
  context: Context,
): Record<string, UserSyncGroup> {
  const taken = new Map<string, string>();
  return define(
    "syncGroups",
    sections,
    (found, { statement, value }) => {
      const name = value.parameters[0]?.text ?? "";
      const members = membersOf(found, name, surroundings, taken, context);
      if (members.length === 0) {
        context.report.error(
          statement,
          "keepalived.sync-group",
          `the sync group ${name} has no members; keepalived leaves it out`,
        );
        return undefined;
      }
      if (members.length === 1)
        context.report.warning(
          statement,
          "keepalived.sync-group",
          `the sync group ${name} has one member, so there is nothing to keep together`,
        );
      if (found.sync_group_tracking_weight === undefined)
        for (const member of members)
          unweigh(member, `it is in the sync group ${name}`, surroundings, context);
      const track = trackOf(found, surroundings.tracked, undefined, context);
      const notify = notificationsOf(found, surroundings.globals.notify, context);
      return {
        members,
        ...(Object.keys(track).length > 0 ? { track } : {}),
        ...(notify.length > 0 ? { notify } : {}),
      };
    },
    context,
  );
}

/** Takes the weighted trackers from a virtual router, as keepalived does. @param why the end of a sentence. */
export function unweigh(
  name: string,
  why: string,
  { virtualRouters, tracked }: Pick<Surroundings, "virtualRouters" | "tracked">,
  context: Context,
): void {
  const router = virtualRouters[name];
  if (router?.track === undefined) return;
  const at = context.markOf(["virtualRouters", name, "track"]);
  const track = withoutWeights(router.track, tracked, (tracker, dropped) => {
    if (at === undefined) return;
    context.report.warning(
      at,
      "keepalived.weight-dropped",
      dropped
        ? `${name} does not track ${tracker}, because ${why}, where weights do not count`
        : `the weight of ${tracker} does not count for ${name}, because ${why}: it means FAULT when it fails`,
      "a tracker without a weight works there; sync_group_tracking_weight makes weights count",
    );
  });
  const { track: _, ...rest } = router;
  virtualRouters[name] = Object.keys(track).length > 0 ? { ...rest, track } : rest;
}

function membersOf(
  found: Block<typeof grammar>,
  name: string,
  { virtualRouters }: Surroundings,
  taken: Map<string, string>,
  { report }: Context,
): string[] {
  const words = (found.group ?? [])
    .flatMap(({ value }) => value)
    .flatMap((line) => [line.keyword, ...line.parameters]);
  return words.flatMap((word) => {
    const { text } = word;
    const other = taken.get(text);
    if (!Object.hasOwn(virtualRouters, text)) {
      const meant = nearest(text, Object.keys(virtualRouters));
      report.error(
        word,
        "keepalived.unknown-reference",
        `there is no usable vrrp_instance named ${JSON.stringify(text)}; keepalived leaves it out of the group`,
        meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`,
      );
      return [];
    }
    if (other !== undefined) {
      report.error(
        word,
        "keepalived.sync-group",
        other === name
          ? `${text} is listed again`
          : `${text} is already in the sync group ${other}; it stays there`,
      );
      return [];
    }
    taken.set(text, name);
    return [text];
  });
}
