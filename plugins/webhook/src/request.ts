/** An event as the body of a request. */
import type { NotifierEvent } from "@karuntime/sdk";

/** @param format the whole event; or one sentence as `{ text }`, which Slack, Mattermost and others show. */
export function bodyOf(event: NotifierEvent, format: "event" | "slack"): string {
  return JSON.stringify(format === "event" ? event : { text: sentence(event) });
}

function sentence(event: NotifierEvent): string {
  const { subject, at, routerName } = event;
  const of = subject.type === "real-server" ? ` of ${subject.virtualServer}` : "";
  const name = `${subject.type.replace("-", " ")} ${subject.name}${of} on ${routerName}`;
  return `${name} ${happened(event)} (${at})`;
}

function happened(event: NotifierEvent): string {
  switch (event.event) {
    case "contended":
      return "hears another master of lower priority";
    case "priority":
      return `has the priority ${event.priority} now`;
    case "stop":
      return "is stopped";
    case "up":
      return "is up";
    case "down":
      return `is down: ${event.reason}`;
    case "quorum-up":
      return `has its quorum, ${event.weight} of ${event.quorum}`;
    case "quorum-down":
      return `has no quorum, ${event.weight} of ${event.quorum}`;
    default:
      return `is ${event.state}`;
  }
}
