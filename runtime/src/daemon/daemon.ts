/**
 * The daemon: loads the configuration, supervises the engine and the sandbox host, passes judgements from the one to
 * the other, performs privileged wishes, answers `karuntime status`.
 */
import { mkdirSync, rmSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import type { LoadedConfiguration, LoadOptions } from "../config/load.ts";
import { loadInProcess } from "../config/loader.ts";
import type { CommandsConfiguration, Configuration } from "../config/model.ts";
import type { EngineToDaemon } from "../engine/protocol.ts";
import type { Logger } from "../observe/log.ts";
import { describeFault } from "../observe/status.ts";
import type { StatusReport } from "../observe/status.ts";
import { createCommandRunner, describeResult } from "./command.ts";
import type { CommandRunner } from "./command.ts";
import { startCommandChecks } from "./command-checks.ts";
import { commandUser, systemUsers } from "./command-user.ts";
import { askControl, serveControl } from "./control.ts";
import { createDeliveries } from "./deliveries.ts";
import type { EngineProcess } from "./engine-process.ts";
import { startEngine } from "./engine-process.ts";
import { createDirector } from "./director.ts";
import { createJudge, joinJudges } from "./judge.ts";
import type { Notifications } from "./notifications.ts";
import { createNotifications } from "./notifications.ts";
import { emptyReport, startPlugins } from "./plugins.ts";
import type { Watchers } from "./watchers.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";

export interface Daemon {
  /** Gives the addresses up (priority 0) and ends every process. */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly configuration: string;
  /** How it is read. */
  readonly load?: LoadOptions;
  /** For the sockets and the record of addresses; made with mode 0700. */
  readonly runtimeDirectory: string;
  /** For what plugins keep; made with mode 0700 when there is something. */
  readonly stateDirectory: string;
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
    onMessage(message) {
      logEngine(log, message);
      notifications?.receive(message);
    },
  });
  let notifications: Notifications | undefined;
  let loaded: LoadedConfiguration;
  try {
    loaded = await loadInProcess(options.configuration, options.load);
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
  for (const { file, line, path, message, hint } of loaded.warnings)
    log.warn({ ...(line === undefined ? { path } : { at: `${file}:${line}` }), hint }, message);
  const runner = createCommandRunner();
  await runOnce("commands.start", configuration.commands.start, configuration, runner, log);
  const judge = createJudge(
    configuration.checks.map((check) => check.name),
    engine.setTracker,
    log,
  );
  for (const { name, initialState } of configuration.checks)
    if (initialState === "down") judge.set(name, "down", "it has not succeeded yet");
  const director = createDirector({
    virtualServers: configuration.virtualServers,
    checkers: configuration.checkers,
    tell: (event) => notifications?.tell(event),
    log,
  });
  const judges = joinJudges(director.judge, director.knows, judge);
  const plugins = loaded.checks.length + loaded.notifiers.length + loaded.refused.length;
  const sandbox =
    plugins === 0 ? undefined : startPlugins(loaded, judges, options.stateDirectory, log);
  const deliveries = createDeliveries({
    configurations: configuration.notifications,
    commands: configuration.commands,
    mail: configuration.mail,
    runner,
    plugin: async (index, notification) => sandbox?.notify(index, notification),
    log,
  });
  notifications = createNotifications({
    configurations: configuration.notifications,
    groups: syncGroupsOf(configuration.virtualRouters),
    virtualRouters: configuration.virtualRouters.map((router) => router.name),
    deliver: deliveries.deliver,
    log,
  });
  director.start();
  engine.configure(afterBoot(configuration), configuration.holdings);
  const commandChecks = startCommandChecks(
    configuration.checks.filter((check) => check.type === "command"),
    configuration.commands,
    runner,
    judge,
    log,
  );
  const watchers = await watchersOf(configuration, engine, log);

  const control = await serveControl(controlPath, async () => {
    const [engineStatus, answered] = await Promise.all([engine.report(), sandbox?.report() ?? []]);
    const reports = [...answered, ...commandChecks.reports()];
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
      sandboxes: sandbox?.status() ?? [],
      virtualRouters: (engineStatus?.virtualRouters ?? []).map((router) => ({
        ...router,
        since: new Date(now - router.stateAgeMs).toISOString(),
      })),
      virtualServers: director.status(),
      checks: [...configuration.checks, ...configuration.checkers].map((check) => ({
        ...(reports.find((report) => report.check === check.name) ?? emptyReport(check.name)),
        plugin:
          check.type === "command"
            ? check.command.argv.join(" ")
            : (loaded.checks.find(({ name }) => name === check.name)?.bundle.file ?? check.plugin),
        intervalMs: check.intervalMs,
        timeoutMs: check.timeoutMs,
        effective: judges.state(check.name),
      })),
      drops: engineStatus?.drops ?? {},
    } satisfies StatusReport;
  });

  return {
    async stop() {
      watchers?.close();
      commandChecks.stop();
      // The addresses go first; nobody who is told may hold them up.
      await engine.stop();
      director.stop();
      await notifications?.stop();
      deliveries.close();
      await runner.stop();
      await sandbox?.stop();
      await runOnce("commands.stop", configuration.commands.stop, configuration, runner, log);
      control.close();
      rmSync(controlPath, { force: true });
    },
  };
}

/** The command before everything, or after. Its failure is reported and changes nothing. */
async function runOnce(
  what: string,
  command: CommandsConfiguration["start"],
  { commands }: Configuration,
  runner: CommandRunner,
  log: Logger,
): Promise<void> {
  if (command === undefined) return;
  const result = await runner.run(command.argv, {
    user: commandUser(command.user ?? commands.user, systemUsers()),
    timeoutMs: command.timeoutMs,
    onOutput: (line) => log.debug({ command: what, line }, "the command says"),
  });
  if (result.type !== "exited" || result.status !== 0)
    log.warn({ command: what }, `the command ${describeResult(result)}`);
}

/** The members of each sync group. */
function syncGroupsOf(
  routers: readonly VirtualRouterConfig[],
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { name, syncGroup } of routers)
    if (syncGroup !== undefined) groups.set(syncGroup, [...(groups.get(syncGroup) ?? []), name]);
  return groups;
}

/** The virtual routers, none of which takes part before its time since the boot of the machine has come. */
function afterBoot({
  virtualRouters,
  startDelaysAfterBootMs,
}: Configuration): readonly VirtualRouterConfig[] {
  const sinceBootMs = uptime() * 1000;
  return virtualRouters.map((router) => ({
    ...router,
    startDelayMs: Math.max(
      router.startDelayMs,
      (startDelaysAfterBootMs[router.name] ?? 0) - sinceBootMs,
    ),
  }));
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
