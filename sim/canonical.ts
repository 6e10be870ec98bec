/** One text for all worlds that go on alike: times count from now, and what nobody acts on is left out. */
import type { VirtualRouter } from "../runtime/src/vrrp/types.ts";
import type { World } from "./world.ts";

/** Per millisecond. Times that differ by less are the same. */
const STEPS = 256;

export function canonical({ nowMs, trackerUp, members, flights }: World): string {
  let text = trackerUp ? "+" : "-";
  for (const member of members)
    text += member === undefined ? "|dead" : `|${describe(member.router, nowMs)}`;
  for (const row of flights) {
    for (const flight of row) {
      text += ";";
      for (const { priority, advertIntervalMs } of flight)
        text += `${priority}/${advertIntervalMs},`;
    }
  }
  return text;
}

/** Who was heard and when is for the reader; only who the master is, and whether it resigned, matters. */
function describe({ protocol }: VirtualRouter, nowMs: number): string {
  const until = (atMs: number | undefined): number | string =>
    atMs === undefined ? "" : Math.round((atMs - nowMs) * STEPS);
  switch (protocol.type) {
    case "initialize":
      return `i${until(protocol.startAtMs)}`;
    case "fault":
      return `f${until(protocol.retryAtMs)}`;
    case "backup": {
      const { master, masterDownAtMs, masterIntervalMs, claimedIntervalMs, inferiorSinceMs } =
        protocol;
      const heard = master === undefined ? "" : `${master.address}/${master.priority === 0}`;
      return `b${until(masterDownAtMs)},${masterIntervalMs},${claimedIntervalMs},${until(inferiorSinceMs)},${heard}`;
    }
    case "master": {
      const { advertiseAtMs, announceAtMs, refreshAtMs, renewAtMs, rival } = protocol;
      const timers = [advertiseAtMs, announceAtMs, refreshAtMs, renewAtMs].map(until);
      const limits = [protocol.answerAgainAtMs, protocol.contendAgainAtMs];
      const pauses = limits.map((atMs) => until(Math.max(atMs, nowMs)));
      const heard = rival === undefined ? "" : `${rival.address}/${until(rival.goneAtMs)}`;
      return `m${timers.join()},${pauses.join()},${heard}`;
    }
  }
}
