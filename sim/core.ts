/** The part of the runtime that is under test, as a value: the present one, or a changed copy of it. */
import { RouterSet } from "../runtime/src/vrrp/router-set.ts";
import { packetsFor } from "../runtime/src/vrrp/transmission.ts";
import { createVirtualRouter, nextDeadlineMs, step } from "../runtime/src/vrrp/virtual-router.ts";

/** The formulas that the invariants use are none of it: a changed copy is judged by the original ones. */
export interface Core {
  readonly step: typeof step;
  readonly nextDeadlineMs: typeof nextDeadlineMs;
  readonly createVirtualRouter: typeof createVirtualRouter;
  readonly RouterSet: typeof RouterSet;
  readonly packetsFor: typeof packetsFor;
}

export const present: Core = { step, nextDeadlineMs, createVirtualRouter, RouterSet, packetsFor };
