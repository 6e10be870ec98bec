/** The clusters whose every interleaving is tried, and how far. */
import { present } from "./core.ts";
import { exhaust } from "./exhaustive.ts";
import type { Setup } from "./scenario.ts";

const HOSTS = [9, 10, 80];
const SECOND_MS = 1000;

export interface Cluster {
  readonly name: string;
  readonly depth: number;
  readonly calmEvery: number;
  readonly setup: Setup;
}

interface Part {
  readonly version: 2 | 3;
  readonly priorities: readonly number[];
  readonly intervalsMs: readonly number[];
  readonly preempt: boolean;
}

export const clusters: readonly Cluster[] = [
  cluster("2 nodes, version 2, preempting", 10, 1, {
    version: 2,
    priorities: [200, 100],
    intervalsMs: [1000, 1000],
    preempt: true,
  }),
  cluster(
    "2 nodes, version 3, intervals of 1 s and 250 ms, equal priorities, not preempting",
    10,
    1,
    {
      version: 3,
      priorities: [100, 100],
      intervalsMs: [1000, 250],
      preempt: false,
    },
  ),
  cluster("3 nodes, version 2, preempting", 7, 2, {
    version: 2,
    priorities: [200, 150, 100],
    intervalsMs: [1000, 1000, 1000],
    preempt: true,
  }),
  cluster("3 nodes, version 3, equal priorities, not preempting", 7, 2, {
    version: 3,
    priorities: [100, 100, 100],
    intervalsMs: [1000, 1000, 1000],
    preempt: false,
  }),
];

/** @returns whether nothing was found. */
export function reportExhaustive(
  depth: number | undefined,
  print: (line: string) => void,
): boolean {
  let ok = true;
  for (const each of clusters) {
    const startedAtMs = performance.now();
    const { calmEvery, setup } = each;
    const reached = depth ?? each.depth;
    const { states, transitions, calms, failure } = exhaust(present, setup, {
      depth: reached,
      calmEvery,
    });
    const seconds = ((performance.now() - startedAtMs) / SECOND_MS).toFixed(1);
    print(
      `${each.name}: depth ${reached}, ${states} states, ${transitions} transitions, order from ${calms} of them, ${seconds} s`,
    );
    if (failure === undefined) continue;
    ok = false;
    const { violation, moves, calm } = failure;
    print(`${violation.invariant}: ${violation.message}${calm ? ", left alone" : ""}, after`);
    for (const move of moves) print(JSON.stringify(move));
  }
  return ok;
}

function cluster(name: string, depth: number, calmEvery: number, part: Part): Cluster {
  const { version, priorities, intervalsMs, preempt } = part;
  return {
    name,
    depth,
    calmEvery,
    setup: {
      seed: 0,
      bytes: false,
      exact: true,
      version,
      family: "ipv4",
      authentication: "none",
      nodes: priorities.map((_, index) => ({
        host: HOSTS[index] ?? 0,
        clockRate: 1,
        clockOffsetMs: 0,
        startsFirst: false,
      })),
      routers: [
        {
          id: 51,
          missedAdvertisements: 3,
          priorities,
          intervalsMs,
          preempts: priorities.map(() => preempt),
          preemptDelaysMs: priorities.map(() => 0),
          weight: -120,
        },
      ],
      grouped: false,
      startDelayMs: 0,
      initialState: "master",
      onAddressLost: "resign",
      lease: false,
      answerLowerPriority: true,
      advertiseBeforeYielding: false,
      ownerIgnoresAdvertisements: false,
      network: { delayMinMs: 0, delayMaxMs: 0, lossRate: 0, duplicateRate: 0 },
      latenessMs: 0,
      endMs: 0,
    },
  };
}
