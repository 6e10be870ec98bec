/**
 * The health of one virtual server: what the results of its checkers come to for its real servers, and those for its
 * quorum, counted as keepalived counts (check_api.c, ipwrapper.c). An event goes in, the next state and effects come out.
 */

/** What a real server is, as far as its health is concerned. */
export interface MonitoredRealServer {
  readonly weight: number;
  /** Up only when all of them say so; without any it is always up. */
  readonly checkers: readonly MonitoredChecker[];
}

export interface MonitoredChecker {
  /** Attempts after a failure, before it counts. The first result of all decides alone. */
  readonly retries: number;
  readonly retryDelayMs: number;
  /** Whether it counts as down before its first result. */
  readonly startsDown: boolean;
}

export interface MonitoredVirtualServer {
  /** The sum of weights of the real servers that are up which the service needs. */
  readonly quorum: number;
  /** How much more than the quorum brings it up, and how much less is borne before it goes down. */
  readonly hysteresis: number;
  /** Whether the stop is told as everything going down. */
  readonly omega: boolean;
  /** Whether somebody answers when the quorum is lost; a start without the quorum is told only then. */
  readonly sorryServer: boolean;
  readonly realServers: readonly MonitoredRealServer[];
}

interface CheckerHealth {
  readonly up: boolean;
  /** Whether it has had a result. */
  readonly ran: boolean;
  /** Failures in a row that do not count yet. */
  readonly failures: number;
  /** What it says the real server's weight is. */
  readonly weight: number | undefined;
}

interface RealServerHealth {
  readonly up: boolean;
  /** Whether anything has been told of it. */
  readonly told: boolean;
  readonly weight: number;
  readonly checkers: readonly CheckerHealth[];
}

export interface VirtualServerHealth {
  /** Results before the start and after the stop change nothing. */
  readonly phase: "new" | "running" | "stopped";
  readonly quorumUp: boolean;
  readonly realServers: readonly RealServerHealth[];
}

export type HealthEvent =
  | { readonly type: "start" }
  /** What a checker came to: real server and checker by their places. */
  | {
      readonly type: "result";
      readonly realServer: number;
      readonly checker: number;
      readonly up: boolean;
      /** The real server's weight while the checker is up; undefined: the configured one. */
      readonly weight: number | undefined;
    }
  | { readonly type: "stop" };

export type HealthEffect =
  | {
      readonly type: "real-server";
      readonly realServer: number;
      readonly up: boolean;
      readonly weight: number;
    }
  /** @property weight the sum over the real servers that are up. */
  | { readonly type: "quorum"; readonly up: boolean; readonly weight: number }
  /** The checker has failed, and is to be asked again before that counts. */
  | {
      readonly type: "retry";
      readonly realServer: number;
      readonly checker: number;
      readonly afterMs: number;
    };

export interface HealthStep {
  readonly health: VirtualServerHealth;
  readonly effects: readonly HealthEffect[];
}

/** Before the start: everything is as the configuration has it begin. */
export function initialHealth({ realServers }: MonitoredVirtualServer): VirtualServerHealth {
  return {
    phase: "new",
    quorumUp: false,
    realServers: realServers.map(({ weight, checkers }) => ({
      up: checkers.every(({ startsDown }) => !startsDown),
      told: false,
      weight,
      checkers: checkers.map(({ startsDown }) => ({
        up: !startsDown,
        ran: false,
        failures: 0,
        weight: undefined,
      })),
    })),
  };
}

/** Takes in one event. Effects are in the order in which they are to be told. */
export function stepHealth(
  server: MonitoredVirtualServer,
  health: VirtualServerHealth,
  event: HealthEvent,
): HealthStep {
  switch (event.type) {
    case "start":
      return health.phase === "new" ? start(server, health) : { health, effects: [] };
    case "result":
      return health.phase === "running" ? result(server, health, event) : { health, effects: [] };
    case "stop":
      return health.phase === "running"
        ? stop(server, health)
        : { health: { ...health, phase: "stopped" }, effects: [] };
  }
}

/** The weights of the real servers that are up. */
export function weightUp({ realServers }: VirtualServerHealth): number {
  return realServers.reduce((sum, { up, weight }) => sum + (up ? weight : 0), 0);
}

/** A real server that begins as up is not told; a quorum that is there is, since nobody could have heard of it before. */
function start(server: MonitoredVirtualServer, health: VirtualServerHealth): HealthStep {
  const step = withQuorum(server, { ...health, phase: "running" }, []);
  if (step.health.quorumUp || !server.sorryServer) return step;
  return { ...step, effects: [{ type: "quorum", up: false, weight: weightUp(health) }] };
}

function stop({ omega }: MonitoredVirtualServer, health: VirtualServerHealth): HealthStep {
  const effects: HealthEffect[] = [];
  if (omega) {
    for (const [realServer, { up, weight }] of health.realServers.entries())
      if (up) effects.push({ type: "real-server", realServer, up: false, weight });
    if (health.quorumUp) effects.push({ type: "quorum", up: false, weight: 0 });
  }
  return { health: { ...health, phase: "stopped" }, effects };
}

function result(
  server: MonitoredVirtualServer,
  health: VirtualServerHealth,
  event: Extract<HealthEvent, { type: "result" }>,
): HealthStep {
  const { realServer, checker } = event;
  const settings = server.realServers[realServer];
  const before = health.realServers[realServer];
  const monitored = settings?.checkers[checker];
  const was = before?.checkers[checker];
  if (
    settings === undefined ||
    before === undefined ||
    monitored === undefined ||
    was === undefined
  )
    return { health, effects: [] };
  const now = afterResult(monitored, was, event);
  const checkers = before.checkers.with(checker, now);
  const up = checkers.every((entry) => entry.up);
  // One that began as down is told of as that once it is known to be.
  const confirmedDown = !before.told && !up && !was.up && !was.ran && !event.up;
  const tells = up !== before.up || confirmedDown;
  const weight = weightSaid(checkers) ?? settings.weight;
  const effects: HealthEffect[] = [];
  if (now.failures > was.failures)
    effects.push({ type: "retry", realServer, checker, afterMs: monitored.retryDelayMs });
  if (tells) effects.push({ type: "real-server", realServer, up, weight });
  const after = { up, told: before.told || tells, weight, checkers };
  return withQuorum(
    server,
    { ...health, realServers: health.realServers.with(realServer, after) },
    effects,
  );
}

function afterResult(
  { retries }: MonitoredChecker,
  was: CheckerHealth,
  { up, weight }: Extract<HealthEvent, { type: "result" }>,
): CheckerHealth {
  if (up) return { up, ran: true, failures: 0, weight };
  const tryAgain = was.up && was.ran && was.failures < retries;
  return tryAgain
    ? { ...was, failures: was.failures + 1 }
    : { up: false, ran: true, failures: 0, weight: undefined };
}

/** The least of what checkers say: the one that knows of a burden is right. */
function weightSaid(checkers: readonly CheckerHealth[]): number | undefined {
  const said = checkers.flatMap(({ weight }) => (weight === undefined ? [] : Math.max(0, weight)));
  return said.length === 0 ? undefined : Math.min(...said);
}

function withQuorum(
  { quorum, hysteresis }: MonitoredVirtualServer,
  health: VirtualServerHealth,
  effects: readonly HealthEffect[],
): HealthStep {
  const weight = weightUp(health);
  const needed = health.quorumUp ? quorum - hysteresis : quorum + hysteresis;
  const up = weight > 0 && weight >= needed;
  if (up === health.quorumUp) return { health, effects };
  return {
    health: { ...health, quorumUp: up },
    effects: [...effects, { type: "quorum", up, weight }],
  };
}
