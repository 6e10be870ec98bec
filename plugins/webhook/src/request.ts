/** An event as the body of a request. */
import type { NotifierEvent } from "@karuntime/sdk";

/** @param format the whole event; or one sentence as `{ text }`, which Slack, Mattermost and others show. */
export function bodyOf(event: NotifierEvent, format: "event" | "slack"): string {
  return JSON.stringify(format === "event" ? event : { text: sentence(event) });
}

function sentence({ subject, event, state, priority, at, routerName }: NotifierEvent): string {
  const name = `${subject.type === "virtual-router" ? "virtual router" : "sync group"} ${subject.name} on ${routerName}`;
  const what =
    event === "contended"
      ? "hears another master of lower priority"
      : event === "priority"
        ? `has the priority ${priority} now`
        : `is ${event === "stop" ? "stopped" : state}`;
  return `${name} ${what} (${at})`;
}
