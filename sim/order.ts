/** Who has to be master when everything has settled. */
import type { Node } from "./node.ts";
import { Violation } from "./violation.ts";

/**
 * Exactly one where anybody is able to; nobody who preempts has a higher priority than it. Equal priorities and routers
 * that do not preempt let any single one be, and that it is not displaced is another invariant's matter.
 */
export function checkMasters(nodes: readonly Node[], routers: number): void {
  for (let router = 0; router < routers; router++) {
    const able = nodes.filter((node) => node.isEligible(router));
    const masters = nodes.filter((node) => node.watches[router]?.isMaster === true);
    const names = masters.map((node) => node.index).join(", ");
    const [master] = masters;
    if (able.length === 0) {
      if (master !== undefined) fail(router, `nobody is able to be master, and ${names} is`);
      continue;
    }
    if (master === undefined) fail(router, "there is no master");
    if (masters.length > 1) fail(router, `there are several masters: ${names}`);
    if (!able.includes(master)) fail(router, `${names} is master and should be in FAULT`);
    const priority = master.watches[router]?.priority ?? 0;
    for (const node of able) {
      const watch = node.watches[router];
      if (watch === undefined || watch.priority <= priority) continue;
      if (watch.config.preempt || watch.config.priority === 255)
        fail(router, `${names} is master, and ${node.index} preempts it`);
    }
  }
}

function fail(router: number, what: string): never {
  throw new Violation("a one right master", `virtual router ${router}: ${what}`);
}
