/** What is to be done with which service, in which order. */
export type Action = "start" | "stop" | "restart" | "none";

export interface Step {
  readonly service: string;
  readonly action: "start" | "stop" | "restart";
}

/** Started in the order in which they are listed, stopped in the opposite one: a later service may need an earlier one. */
export function plan(services: readonly string[], action: Action): readonly Step[] {
  if (action === "none") return [];
  const ordered = action === "stop" ? services.toReversed() : services;
  return ordered.map((service) => ({ service, action }));
}
