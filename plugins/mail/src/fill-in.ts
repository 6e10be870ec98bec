/** An event in words that the operator chose. */
import type { NotifierEvent } from "@karuntime/sdk";

/**
 * The template with the event in the place of `{name}` (of the virtual router or sync group), `{type}`, `{event}`, `{state}`,
 * `{priority}`, `{at}`, `{router}` and `{sequence}`. Any other braces stay as they are.
 */
export function fillIn(template: string, event: NotifierEvent): string {
  const values: Readonly<Record<string, string | number>> = {
    name: event.subject.name,
    type: event.subject.type,
    event: event.event,
    state: event.state,
    priority: event.priority,
    at: event.at,
    router: event.routerName,
    sequence: event.sequence,
  };
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}
