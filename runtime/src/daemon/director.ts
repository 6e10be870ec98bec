/**
 * The director: what checkers say goes into the health of their virtual server, and what comes of that is logged and told.
 * Traffic is not spread yet: that will be further effects.
 */
import type { CheckerConfiguration } from "../config/model.ts";
import type { CheckerConfig, RealServerConfig, VirtualServerConfig } from "../director/config.ts";
import type {
  HealthEffect,
  HealthEvent,
  MonitoredVirtualServer,
  VirtualServerHealth,
} from "../director/health.ts";
import { initialHealth, stepHealth, weightUp } from "../director/health.ts";
import type { Logger } from "../observe/log.ts";
import type { VirtualServerStatus } from "../observe/status.ts";
import { formatEndpoint } from "../packet/address.ts";
import type { CheckState, Judge } from "./judge.ts";
import type { QuorumNotification, RealServerNotification, Untold } from "./notification.ts";

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Director {
  /** Takes what the checkers say; to be asked about them alone. */
  readonly judge: Judge;
  readonly knows: (check: string) => boolean;
  /** Tells what is to be told of the start, and from then on every change. */
  start(): void;
  /** With omega, tells that everything is down. */
  stop(): void;
  status(): readonly VirtualServerStatus[];
}

export interface DirectorOptions {
  readonly virtualServers: readonly VirtualServerConfig[];
  readonly checkers: readonly CheckerConfiguration[];
  readonly tell: (event: Untold<RealServerNotification> | Untold<QuorumNotification>) => void;
  /** Has a checker run now; resolves when it has, and what it came to was set if it was a change. */
  readonly again: (checker: string) => Promise<void>;
  readonly log: Logger;
}

interface CheckerState {
  readonly use: CheckerConfiguration;
  /** The last result. */
  state: CheckState;
  weight: number | undefined;
  reason: string;
  /** A failure that does not count yet. */
  retry: NodeJS.Timeout | undefined;
}

interface Served {
  readonly config: VirtualServerConfig;
  readonly monitored: MonitoredVirtualServer;
  /** Why each real server is down. */
  readonly reasons: string[];
  health: VirtualServerHealth;
}

export function createDirector(options: DirectorOptions): Director {
  const { tell, log } = options;
  const servers = options.virtualServers.map((config): Served => {
    const monitored = monitoredOf(config);
    const reasons = config.realServers.map(() => "");
    return { config, monitored, reasons, health: initialHealth(monitored) };
  });
  const checkers = new Map(
    options.checkers.map((use): [string, CheckerState] => [
      use.name,
      { use, state: "unknown", weight: undefined, reason: "", retry: undefined },
    ]),
  );

  function apply(server: Served, event: HealthEvent, reason = ""): void {
    const step = stepHealth(server.monitored, server.health, event);
    server.health = step.health;
    for (const effect of step.effects) perform(server, effect, reason);
  }

  function perform(server: Served, effect: HealthEffect, reason: string): void {
    const { config } = server;
    const serviceName = serviceNameOf(config);
    switch (effect.type) {
      case "real-server": {
        const real = config.realServers[effect.realServer];
        if (real === undefined) return;
        const { up, weight } = effect;
        const { address, port } = real;
        const name = formatEndpoint(address, port);
        const fields = { virtualServer: config.name, realServer: name };
        server.reasons[effect.realServer] = up ? "" : reason;
        if (up) log.info(fields, `${name} is up`);
        else log.warn({ ...fields, reason }, `${name} is down`);
        return tell({
          subject: { type: "real-server", name, address, port, virtualServer: config.name },
          event: up ? "up" : "down",
          weight,
          reason: up ? "" : reason,
          serverName: trio(address, port, config),
          serviceName,
        });
      }
      case "quorum": {
        const { up, weight } = effect;
        const { name, quorum, hysteresis } = config;
        log[up ? "info" : "warn"](
          { virtualServer: name, weight, quorum, hysteresis },
          up ? `${name} has its quorum` : `${name} has no quorum`,
        );
        return tell({
          subject: { type: "virtual-server", name },
          event: up ? "quorum-up" : "quorum-down",
          weight,
          quorum,
          hysteresis,
          serviceName,
        });
      }
      case "retry":
        return retry(server, effect);
    }
  }

  function retry(
    server: Served,
    { realServer, checker, afterMs }: Extract<HealthEffect, { type: "retry" }>,
  ): void {
    const state = [...checkers.values()].find(
      ({ use }) =>
        servers[use.virtualServer] === server &&
        use.realServer === realServer &&
        use.checker === checker,
    );
    if (state === undefined) return;
    log.debug(
      { checker: state.use.name, reason: state.reason, afterMs },
      "a checker failed and is asked again before that counts",
    );
    const timer = setTimeout(
      async () => {
        await options.again(state.use.name);
        // It has said something else meanwhile, or everything stops.
        if (state.retry === timer) failed(state);
      },
      Math.min(TIMER_MS_MAX, afterMs),
    );
    state.retry = timer;
  }

  function failed(state: CheckerState): void {
    state.retry = undefined;
    judged(state);
  }

  function judged({ use, state, weight, reason }: CheckerState): void {
    const server = servers[use.virtualServer];
    if (server === undefined || state === "unknown") return;
    const { realServer, checker } = use;
    apply(server, { type: "result", realServer, checker, up: state === "up", weight }, reason);
  }

  return {
    knows: (check) => checkers.has(check),
    judge: {
      set(check, state, reason, weight) {
        const checker = checkers.get(check);
        const says = weight ?? undefined;
        if (checker === undefined || (checker.state === state && checker.weight === says)) return;
        clearTimeout(checker.retry);
        Object.assign(checker, { state, reason, weight: says, retry: undefined });
        judged(checker);
      },
      state: (check) => checkers.get(check)?.state ?? "unknown",
    },
    start() {
      warn(options.virtualServers, log);
      for (const server of servers) apply(server, { type: "start" });
      for (const checker of checkers.values()) judged(checker);
    },
    stop() {
      for (const checker of checkers.values()) {
        clearTimeout(checker.retry);
        checker.retry = undefined;
      }
      for (const server of servers) apply(server, { type: "stop" }, "karuntime stops");
    },
    status: () =>
      servers.map(({ config, health, reasons }) => ({
        name: config.name,
        quorum: { up: health.quorumUp, weight: weightUp(health), needed: config.quorum },
        realServers: config.realServers.map((real, index) => ({
          name: formatEndpoint(real.address, real.port),
          up: health.realServers[index]?.up ?? false,
          weight: health.realServers[index]?.weight ?? real.weight,
          checked: real.checkers.some(isChecked),
          reason: reasons[index] ?? "",
        })),
      })),
  };
}

const isChecked = ({ type }: CheckerConfig): boolean => type === "plugin";

/** The checkers that are run; any other counts as up. */
function monitoredOf(config: VirtualServerConfig): MonitoredVirtualServer {
  const { quorum, hysteresis, omega, sorryServer, realServers } = config;
  return {
    quorum,
    hysteresis,
    omega,
    sorryServer: sorryServer !== undefined,
    realServers: realServers.map(({ weight, checkers }) => ({
      weight,
      checkers: checkers.map((checker) =>
        isChecked(checker) ? checker : { retries: 0, retryDelayMs: 0, startsDown: false },
      ),
    })),
  };
}

/** What is in the configuration and not done. */
function warn(virtualServers: readonly VirtualServerConfig[], log: Logger): void {
  if (virtualServers.length > 0)
    log.warn(
      { virtualServers: virtualServers.length },
      "real servers are checked and told of, and no traffic is spread over them yet",
    );
  for (const { name, realServers, suspendWithoutAddress } of virtualServers) {
    const unchecked = realServers.filter(({ checkers }) => !checkers.every(isChecked));
    const types = new Set(
      unchecked.flatMap(({ checkers }) =>
        checkers.filter((checker) => !isChecked(checker)).map(({ type }) => type),
      ),
    );
    if (unchecked.length > 0)
      log.warn(
        {
          virtualServer: name,
          realServers: unchecked.map(({ address, port }) => formatEndpoint(address, port)),
        },
        `not checked yet: checkers of the type ${[...types].join(", ")}, which count as up; expected type: "plugin"`,
      );
    if (suspendWithoutAddress)
      log.warn(
        { virtualServer: name },
        "its checkers run also while this host does not hold the address: suspendWithoutAddress has no effect yet",
      );
  }
}

/** As keepalived writes a server: "[192.0.2.10]:tcp:80". */
function trio(
  address: RealServerConfig["address"],
  port: number,
  { services, protocol }: VirtualServerConfig,
): string {
  const marked = services.every(({ type }) => type === "mark");
  return `[${address}]:${marked ? "none" : protocol.toLowerCase()}:${port}`;
}

/** Likewise what clients ask for: an address, a mark of the firewall, or a group by its name. */
function serviceNameOf(config: VirtualServerConfig): string {
  const [service, ...others] = config.services;
  if (others.length === 0 && service?.type === "address")
    return trio(service.address, service.port, config);
  if (others.length === 0 && service?.type === "mark") return `FWM ${service.mark}`;
  return `[${config.name.replace(/^group /, "")}]:0`;
}
