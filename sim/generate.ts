/** From a seed to a scenario: a few storms, each followed by a calm in which order must return. */
import { convergenceMs, longestIntervalMs, shortestIntervalMs } from "./bounds.ts";
import { Random } from "./random.ts";
import type { Action, NodeSetup, RouterSetup, Scenario, Setup } from "./scenario.ts";

const NODES_MIN = 2;
const NODES_MAX = 5;
const OWNER = 255;
/** Not in the order of their texts. */
const HOSTS = [9, 10, 80, 100, 200];
const IDS = [51, 52];
const INTERVALS_V3_MS = [10, 20, 50, 100, 200, 500, 1000];
/** Mixed intervals differ by this factor at most: the run is as long as the longest and as busy as the shortest. */
const MIXED_FACTOR_MAX = 20;
const PACKETS_EVERY = 20;
const CALM_INTERVALS = 6;
const LONG_CALM_INTERVALS = 50;
/** After which a fault of the addresses is tried again: some calms last longer than that. */
const RETRY_MS = 10_000;

/** What happens, as often as it is named. */
const KINDS = [
  "start",
  "crash",
  "shutdown",
  "pause",
  "resume",
  "oversleep",
  "oversleep",
  "tracker",
  "tracker",
  "link",
  "lost",
  "reload",
  "cut",
  "cut",
  "lossy",
  "slow",
  "partition",
  "partition",
] as const;

export function generate(seed: number, bytes = seed % PACKETS_EVERY === 0): Scenario {
  const random = new Random(seed);
  const size = NODES_MIN + random.below(NODES_MAX - NODES_MIN + 1);
  const version = random.chance(0.5) ? 2 : 3;
  const draft = generateSetup(random, seed, bytes, size, version);
  const actions = generateActions(random, draft);
  const endMs = (actions.at(-1)?.atMs ?? 0) + calmMs(draft);
  return { setup: { ...draft, endMs }, actions };
}

function generateSetup(
  random: Random,
  seed: number,
  bytes: boolean,
  size: number,
  version: 2 | 3,
): Setup {
  const count = random.chance(0.3) ? 2 : 1;
  const grouped = count === 2 && random.chance(0.5);
  const first = generateRouter(random, size, version, IDS[0] ?? 0);
  const routers = [first];
  if (count === 2) routers.push(secondRouter(random, first, grouped));
  const shortestMs = shortestIntervalMs({ routers });
  // Exact times make ties, all others make everything else.
  const exact = random.chance(0.2);
  const delayMaxMs = exact ? 0 : shortestMs * random.pick([0, 0.01, 0.25]);
  const nodes = Array.from({ length: size }, (_, index): NodeSetup => ({
    host: HOSTS[index] ?? 0,
    clockRate: exact ? 1 : random.between(0.999, 1.001),
    clockOffsetMs: exact ? 0 : random.below(1_000_000),
    startsFirst: random.chance(0.3),
  }));
  const authentication = random.pick(
    version === 2 ? (["none", "PASS", "AH", "HMAC"] as const) : (["none", "HMAC"] as const),
  );
  return {
    seed,
    bytes,
    exact,
    version,
    family: version === 3 && random.chance(0.3) ? "ipv6" : "ipv4",
    authentication,
    nodes,
    routers,
    grouped,
    startDelayMs: random.chance(0.1) ? shortestMs * 2 : 0,
    initialState: random.chance(0.9) ? "master" : "backup",
    onAddressLost: random.pick(["restore", "resign", "fault"]),
    lease: random.chance(0.7),
    answerLowerPriority: random.chance(0.8),
    advertiseBeforeYielding: random.chance(0.2),
    ownerIgnoresAdvertisements: random.chance(0.3),
    network: {
      delayMinMs: random.chance(0.5) ? delayMaxMs : delayMaxMs * random.next(),
      delayMaxMs,
      lossRate: random.pick([0, 0.05, 0.3]),
      duplicateRate: random.pick([0, 0.05]),
    },
    latenessMs: exact ? 0 : shortestMs * random.pick([0, 0.01, 0.25]),
    endMs: 0,
  };
}

function generateRouter(random: Random, size: number, version: 2 | 3, id: number): RouterSetup {
  const each = <T>(make: () => T): T[] => Array.from({ length: size }, make);
  const intervalMs = version === 2 ? 1000 * (1 + random.below(2)) : random.pick(INTERVALS_V3_MS);
  const mixable = INTERVALS_V3_MS.filter(
    (other) => other >= intervalMs && other <= intervalMs * MIXED_FACTOR_MAX,
  );
  const mixed = version === 3 && random.chance(0.4);
  const priorities = each(() => random.pick([1, 50, 90, 100, 100, 110, 150, 200, 254]));
  if (random.chance(0.15)) priorities[random.below(size)] = OWNER;
  const preempts = random.pick(["all", "none", "some"]);
  const delays = random.pick(["none", "none", "some"]);
  return {
    id,
    missedAdvertisements: random.pick([3, 3, 3, 2, 5]),
    priorities,
    intervalsMs: each(() => (mixed ? random.pick(mixable) : intervalMs)),
    preempts: each(() => preempts === "all" || (preempts === "some" && random.chance(0.5))),
    preemptDelaysMs: each(() => (delays === "some" ? intervalMs * random.below(6) : 0)),
    weight: random.pick([0, -30, 60, -100]),
  };
}

/** In opposite roles; in a sync group with the same, because members that want different nodes could never agree. */
function secondRouter(random: Random, first: RouterSetup, grouped: boolean): RouterSetup {
  const id = IDS[1] ?? 0;
  if (grouped) return { ...first, id };
  const priorities = first.priorities
    .map((priority) => (priority === OWNER ? random.below(254) + 1 : priority))
    .toReversed();
  return { ...first, id, priorities };
}

/** Until order has to be back, and for how long it has to last. */
function calmMs(setup: Setup): number {
  return convergenceMs(setup) + CALM_INTERVALS * longestIntervalMs(setup);
}

function generateActions(random: Random, setup: Setup): Action[] {
  const { nodes } = setup;
  const actions: Action[] = nodes.map((_, node) => ({
    atMs: random.chance(0.5) ? 0 : random.between(0, 3) * longestIntervalMs(setup),
    type: "start",
    node,
  }));
  let nowMs =
    Math.max(...actions.map((action) => action.atMs)) + calmMs(setup) * random.pick([0, 1]);
  const storms = 1 + random.below(3);
  for (let storm = 0; storm < storms; storm++) {
    const lastMs = nowMs + random.pick([0.5, 3, 10]) * longestIntervalMs(setup);
    const count = 1 + random.below(8);
    for (let index = 0; index < count; index++)
      actions.push(generateAction(random, setup, random.between(nowMs, lastMs)));
    actions.push(...repairs(random, nodes.length, lastMs));
    nowMs = lastMs + calmMs(setup) + (random.chance(0.2) ? RETRY_MS : 0);
    if (random.chance(0.1)) nowMs += LONG_CALM_INTERVALS * longestIntervalMs(setup);
  }
  const timed = setup.exact
    ? actions.flatMap((action) =>
        action.type === "slow" ? [] : [{ ...action, atMs: Math.round(action.atMs) }],
      )
    : actions;
  return timed.toSorted((a, b) => a.atMs - b.atMs);
}

function generateAction(random: Random, setup: Setup, atMs: number): Action {
  const size = setup.nodes.length;
  const node = random.below(size);
  const router = random.below(setup.routers.length);
  const [from, to] = [node, (node + 1 + random.below(size - 1)) % size];
  const inbox = random.pick([0, 2, 1000]);
  const timersFirst = random.chance(0.5);
  const kind = random.pick(KINDS);
  switch (kind) {
    case "start":
    case "crash":
    case "shutdown":
      return { atMs, type: kind, node };
    case "pause":
      return { atMs, type: kind, node, inbox };
    case "resume":
      return { atMs, type: kind, node, timersFirst };
    case "oversleep": {
      const intervals = random.pick([0.25, 1, 1, 2, 3, 4, 5]);
      return { atMs, type: kind, node, intervals, inbox, timersFirst };
    }
    case "tracker":
    case "link":
      return { atMs, type: kind, node, up: random.chance(0.4) };
    case "lost":
      return { atMs, type: random.pick(["address-lost", "address-refused"]), node, router };
    case "reload": {
      // An owner stays one and nobody becomes one: two would contend for ever.
      const present = setup.routers[router]?.priorities[node] ?? 0;
      const priority = present === OWNER ? OWNER : random.pick([1, 50, 100, 150, 254]);
      return { atMs, type: kind, node, router, priority, preempt: random.chance(0.5) };
    }
    case "cut":
      return { atMs, type: kind, from, to };
    case "lossy":
      return { atMs, type: kind, from, to, rate: random.pick([0.2, 0.5, 0.9]) };
    case "slow":
      return {
        atMs,
        type: kind,
        from,
        to,
        ms: longestIntervalMs(setup) * random.pick([0.5, 2, 5]),
      };
    default: {
      const side = setup.nodes.flatMap((_, index) => (random.chance(0.5) ? [index] : []));
      return { atMs, type: "partition", side };
    }
  }
}

/** The end of a storm: the network is whole and nobody is stopped; some stay dead, or without a link. */
function repairs(random: Random, size: number, atMs: number): Action[] {
  const actions: Action[] = [{ atMs, type: "heal" }];
  for (let node = 0; node < size; node++) {
    actions.push({ atMs, type: "resume", node, timersFirst: random.chance(0.5) });
    if (random.chance(0.7)) actions.push({ atMs, type: "start", node });
    if (random.chance(0.7)) actions.push({ atMs, type: "link", node, up: true });
    if (random.chance(0.6)) actions.push({ atMs, type: "tracker", node, up: true });
  }
  return actions;
}
