/** An event in words that the operator chose. */
import type { NotifierEvent } from "@karuntime/sdk";

/**
 * The template with the event in the place of `{name}` (of what it happened to), `{type}`, `{event}`, `{state}`, `{detail}`, `{at}`,
 * `{router}` and `{sequence}`; and of `{priority}`, `{virtualServer}`, `{weight}`, `{quorum}` and `{reason}`, which are empty where
 * the event has none. Any other braces stay as they are.
 */
export function fillIn(template: string, event: NotifierEvent): string {
  const values: Readonly<Record<string, string | number>> = {
    priority: "",
    virtualServer: "",
    weight: "",
    quorum: "",
    reason: "",
    name: event.subject.name,
    type: event.subject.type,
    event: event.event,
    at: event.at,
    router: event.routerName,
    sequence: event.sequence,
    ...own(event),
  };
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

/** What only events of this kind have. */
function own(event: NotifierEvent): Readonly<Record<string, string | number>> {
  switch (event.event) {
    case "up":
    case "down": {
      const { subject, weight, reason } = event;
      const { virtualServer } = subject;
      const because = reason === "" ? "" : `: ${reason}`;
      const detail = `, its weight for ${virtualServer} ${weight}${because}`;
      return { state: event.event, virtualServer, weight, reason, detail };
    }
    case "quorum-up":
    case "quorum-down": {
      const { weight, quorum } = event;
      const state = event.event === "quorum-up" ? "up" : "down";
      return { state, weight, quorum, detail: `, the weight that is up ${weight} of ${quorum}` };
    }
    default: {
      const { state } = event;
      if (!("priority" in event)) return { state, detail: "" };
      return { state, priority: event.priority, detail: `, its priority ${event.priority}` };
    }
  }
}
