/**
 * Virtual routers that move together, with keepalived's meaning: all are master or none is. One in FAULT holds back
 * all of them; one that stops being master takes the others along; they become master when every one of them could.
 */
import { faultsOf } from "./transitions.ts";
import type { VirtualRouter, VirtualRouterEvent } from "./types.ts";

export interface GroupEvent {
  /** Index into the list of members. */
  readonly index: number;
  readonly event: VirtualRouterEvent;
}

/** What has to happen next so that the members agree; to be asked again until nothing has. */
export function settle(members: readonly VirtualRouter[]): readonly GroupEvent[] {
  const faulty = members.map((member) =>
    faultsOf({ ...member, faultyMember: undefined }).length > 0 ||
    (member.protocol.type === "fault" && member.protocol.retryAtMs !== undefined)
      ? member.config.name
      : undefined,
  );
  const news = members.flatMap((member, index): GroupEvent[] => {
    if (member.protocol.type === "initialize") return [];
    const first = faulty.find((name, other) => name !== undefined && other !== index);
    return first === member.faultyMember
      ? []
      : [{ index, event: { type: "faulty-member", member: first } }];
  });
  if (news.length > 0) return news;
  const all = (event: VirtualRouterEvent, who: (member: VirtualRouter) => boolean): GroupEvent[] =>
    members.flatMap((member, index) => (who(member) ? [{ index, event }] : []));
  const isMaster = (member: VirtualRouter): boolean => member.protocol.type === "master";
  if (members.every((member) => isMaster(member) || isReady(member)))
    return all({ type: "promote" }, isReady);
  return all({ type: "yield" }, isMaster);
}

/** Its master-down timer has expired and it waits for the others. */
export function isReady({ protocol }: VirtualRouter): boolean {
  return protocol.type === "backup" && protocol.masterDownAtMs === undefined;
}
