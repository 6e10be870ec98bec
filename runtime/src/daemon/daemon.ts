/**
 * The daemon: loads the configuration, supervises the engine and the sandbox host, passes judgements from the one to
 * the other, performs privileged wishes, answers `karuntime status`.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LoadedConfiguration } from "../config/load.ts";
import { loadInProcess } from "../config/loader.ts";
import type { Configuration } from "../config/model.ts";
import type { EngineToDaemon } from "../engine/protocol.ts";
import type { Logger } from "../observe/log.ts";
import { describeFault } from "../observe/status.ts";
import type { StatusReport } from "../observe/status.ts";
import type { CheckReport, SandboxToDaemon } from "../sandbox/protocol.ts";
import { askControl, serveControl } from "./control.ts";
import type { EngineProcess } from "./engine-process.ts";
import { startEngine } from "./engine-process.ts";
import type { Judge } from "./judge.ts";
import { createJudge } from "./judge.ts";
import { createServiceActions } from "./privileged.ts";
import type { SandboxProcess } from "./sandbox-process.ts";
import { startSandbox } from "./sandbox-process.ts";
import type { Watchers } from "./watchers.ts";
import { sandboxUser } from "../config/sandbox-user.ts";

/** The sandbox host of the operator's own plugins. */
const OPERATOR = "operator";

export interface Daemon {
  /** Gives the addresses up (priority 0) and ends every process. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly configuration: string;
  /** For the sockets and the record of addresses; made with mode 0700. */
  readonly runtimeDirectory: string;
  readonly log: Logger;
  readonly version: string;
}

/**
 * Starts everything. Nothing is touched before the configuration has proved good.
 *
 * @throws ConfigurationError, or an Error when another daemon uses the runtime directory.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { log, runtimeDirectory } = options;
  const startedAt = new Date();
  mkdirSync(runtimeDirectory, { recursive: true, mode: 0o700 });
  const controlPath = join(runtimeDirectory, "control.sock");
  const other = await askControl(controlPath, { type: "status" });
  if (other?.type === "status") {
    throw new Error(
      `karuntime already runs here (process ${other.status.daemon.pid}, ${controlPath}); stop it first, or give this one another --runtime-directory`,
    );
  }

  const engine = startEngine({
    socket: join(runtimeDirectory, "engine.sock"),
    log,
    onMessage: (message) => logEngine(log, message),
  });
  let loaded: LoadedConfiguration;
  try {
    loaded = await loadInProcess(options.configuration);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  const { configuration } = loaded;
  log.info(
    {
      configuration: options.configuration,
      virtualRouters: configuration.virtualRouters.map((router) => router.name),
      checks: loaded.checks.map((check) => check.name),
    },
    "configuration loaded",
  );
  for (const { path, message } of configuration.warnings) log.warn({ path }, message);
  const judge = createJudge(
    loaded.checks.map((check) => check.name),
    engine.setTracker,
    log,
  );
  const sandbox = loaded.checks.length === 0 ? undefined : startOperatorSandbox(loaded, judge, log);
  engine.configure(configuration.virtualRouters, configuration.holdings);
  const watchers = await watchersOf(configuration, engine, log);

  const control = await serveControl(controlPath, async () => {
    const [engineStatus, reports] = await Promise.all([engine.report(), sandbox?.report() ?? []]);
    const now = Date.now();
    return {
      version: options.version,
      startedAt: startedAt.toISOString(),
      configuration: options.configuration,
      daemon: { pid: process.pid },
      engine: {
        ...engine.status(),
        scheduling: engineStatus?.scheduling,
        lateness: engineStatus?.lateness,
      },
      sandboxes: sandbox === undefined ? [] : [{ name: sandbox.name, ...sandbox.status() }],
      virtualRouters: (engineStatus?.virtualRouters ?? []).map((router) => ({
        ...router,
        since: new Date(now - router.stateAgeMs).toISOString(),
      })),
      checks: loaded.checks.map(({ name, bundle, intervalMs, timeoutMs }) => ({
        ...(reports.find((report) => report.check === name) ?? emptyReport(name)),
        plugin: bundle.file,
        intervalMs,
        timeoutMs,
        effective: judge.state(name),
      })),
      drops: engineStatus?.drops ?? {},
    } satisfies StatusReport;
  });

  return {
    async stop() {
      watchers?.close();
      await engine.stop();
      sandbox?.stop();
      control.close();
      rmSync(controlPath, { force: true });
    },
  };
}

/** Loaded only where it is needed: what talks to the kernel costs this process several megabytes. */
async function watchersOf(
  configuration: Configuration,
  engine: EngineProcess,
  log: Logger,
): Promise<Watchers | undefined> {
  if (configuration.files.length + configuration.processes.length === 0) return undefined;
  const { startWatchers } = await import("./watchers.ts");
  return startWatchers(configuration, engine.setTracker, log);
}

function startOperatorSandbox(
  loaded: LoadedConfiguration,
  judge: Judge,
  log: Logger,
): SandboxProcess {
  const services = createServiceActions(loaded.configuration.services);
  const user = sandboxUser(loaded.configuration.sandbox.user);
  if (user === undefined) {
    log.warn(
      "plugins run as the daemon's own user, without its capabilities: it cannot become another one here",
    );
  }
  const sandbox = startSandbox({
    name: OPERATOR,
    user,
    checks: () =>
      loaded.checks.map((check) => ({ ...check, initialState: judge.state(check.name) })),
    log,
    onMessage: receive,
    onSilent: (forMs) => {
      for (const { name } of loaded.checks)
        judge.set(name, "down", `no sandbox host has run for ${Math.round(forMs / 1000)} s`);
    },
  });

  function receive(message: SandboxToDaemon): void {
    switch (message.type) {
      case "state":
        return judge.set(message.check, message.state, message.reason);
      case "log":
        return log[message.level]({ check: message.check }, message.message);
      case "service":
        return void performService(message);
      default:
    }
  }

  async function performService(
    message: Extract<SandboxToDaemon, { type: "service" }>,
  ): Promise<void> {
    const { check, service, action } = message;
    const grant = loaded.checks.find((entry) => entry.name === check)?.grant;
    if (grant === undefined)
      return sandbox.answerService(message.id, { ok: false, error: "there is no such check" });
    const result = await services.perform(grant, service, action);
    if (!result.ok)
      log.warn({ check, service, action, error: result.error }, "service action failed");
    else if (action !== "status") log.info({ check, service, action }, "service action performed");
    sandbox.answerService(message.id, result);
  }

  return sandbox;
}

function logEngine(log: Logger, message: EngineToDaemon): void {
  switch (message.type) {
    case "transition": {
      const { virtualRouter, from, to, reason, priority, faults } = message;
      const fields = {
        virtualRouter,
        from,
        to,
        reason,
        priority,
        ...(faults.length === 0 ? {} : { faults: faults.map(describeFault) }),
      };
      return log[to === "fault" ? "warn" : "info"](
        fields,
        `${virtualRouter} is ${to.toUpperCase()}`,
      );
    }
    case "contention": {
      const { virtualRouter, phase, rival, rivalPriority } = message;
      return log.warn(
        { virtualRouter, rival, rivalPriority },
        phase === "began"
          ? `${virtualRouter}: ${rival} is master too and has to yield to us; a switch may have led its neighbours there`
          : `${virtualRouter}: ${rival} is not master any more; the addresses were announced again`,
      );
    }
    case "priority": {
      const { virtualRouter, from, to } = message;
      return log.info({ virtualRouter, from, to }, `${virtualRouter}: priority changed`);
    }
    case "log":
      return log[message.level](message.fields, message.message);
    default:
  }
}

function emptyReport(check: string): CheckReport {
  return {
    check,
    state: "unknown",
    reason: "the sandbox host does not answer",
    last: undefined,
    runs: 0,
    outcomes: { up: 0, down: 0, "timed out": 0, "out of memory": 0, error: 0 },
    skipped: 0,
    denied: 0,
  };
}
