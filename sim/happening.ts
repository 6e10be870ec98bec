/** What waits in the queue of events. `life`: what was meant for an earlier life of a node does not reach it. */
import type { Message } from "./host.ts";
import type { Node } from "./node.ts";
import type { Action } from "./scenario.ts";

export type Happening =
  | { readonly type: "action"; readonly action: Action }
  | { readonly type: "message"; readonly to: number; readonly message: Message }
  | { readonly type: "timer"; readonly node: Node; readonly life: number; readonly atMs: number }
  /** The end of a sleep; its clock shows exactly this. */
  | {
      readonly type: "wake";
      readonly node: Node;
      readonly life: number;
      readonly clockMs: number;
      readonly timersFirst: boolean;
    };

/** For the reader of a report. */
export function placeOf(happening: Happening | undefined): string {
  switch (happening?.type) {
    case undefined:
      return "the beginning";
    case "action":
      return happening.action.type;
    case "message":
      return `node ${happening.to}, virtual router ${happening.message.router}, a message`;
    case "timer":
    case "wake":
      return `node ${happening.node.index}, a ${happening.type}`;
  }
}
