/**
 * Plugins that trust each other, in one sandbox host. What the host says counts for its own plugins alone: it can neither
 * judge for others nor act in their name.
 */
import { createRedaction } from "../redaction.ts";
import { singleLine } from "../single-line.ts";
import type { Logger } from "../observe/log.ts";
import type { SandboxStatus } from "../observe/status.ts";
import type {
  CheckReport,
  CheckSpec,
  JsonValue,
  NotifierSpec,
  Permissions,
  PrivilegedResult,
  SandboxToDaemon,
} from "../sandbox/protocol.ts";
import { readablePaths } from "../sandbox/node-permissions.ts";
import type { SandboxUser } from "../sandbox/spawn.ts";
import type { Judge } from "./judge.ts";
import type { PluginRequests } from "./plugin-requests.ts";
import type { ProcessWatches } from "./process-watches.ts";
import type { NotifyResult } from "./sandbox-process.ts";
import { startSandbox } from "./sandbox-process.ts";

/** A check that took its host with it starts so far backed off. */
const FAULTS_OF_A_KILL = 2;

export interface PluginGroup {
  readonly status: () => SandboxStatus;
  readonly report: () => Promise<readonly CheckReport[]>;
  notify(notifier: string, event: JsonValue): Promise<NotifyResult>;
  stop(): void;
}

export interface PluginGroupOptions {
  /** "operator", or the package's name. */
  readonly name: string;
  readonly checks: readonly (Omit<CheckSpec, "initialState" | "startDelayMs" | "faults"> & {
    readonly warmupMs?: number;
  })[];
  readonly notifiers: readonly NotifierSpec[];
  readonly user: SandboxUser | undefined;
  readonly memoryBytes: number;
  /** After so long without an event a host that has only notifiers is ended. */
  readonly idleAfterMs: number;
  readonly requests: PluginRequests;
  readonly watches: ProcessWatches;
  readonly judge: Judge;
  readonly log: Logger;
}

export function startPluginGroup(options: PluginGroupOptions): PluginGroup {
  const { name, checks, notifiers, requests, watches, judge, log } = options;
  const plugins = [...checks, ...notifiers];
  const grants = new Map<string, Permissions>(plugins.map((plugin) => [plugin.name, plugin.grant]));
  const names = new Set(checks.map((check) => check.name));
  /** How often a check took its host with it since it was last up. */
  const kills = new Map<string, number>();
  /** Requests that are being performed. */
  const pending = new Map<number, AbortController>();
  /** What checks watch already: also the next host's are woken. */
  const watched = new Set<string>();
  const redact = createRedaction(plugins.map(({ secrets }) => secrets));
  const sandbox = startSandbox({
    name,
    user: options.user,
    memoryBytes: options.memoryBytes,
    readable: plugins.flatMap(({ grant }) => readablePaths(grant)),
    idleAfterMs: checks.length === 0 ? options.idleAfterMs : undefined,
    checks: () =>
      checks.map(({ warmupMs = 0, ...check }) => {
        const killed = kills.get(check.name) ?? 0;
        const initialState = judge.state(check.name);
        return {
          ...check,
          initialState,
          // What has been judged already needs no waiting.
          startDelayMs: initialState === "unknown" ? Math.random() * warmupMs : 0,
          faults: killed === 0 ? 0 : FAULTS_OF_A_KILL + killed,
        };
      }),
    notifiers,
    log,
    redact,
    onMessage: receive,
    onReplaced(reason, blamed) {
      for (const { name: check, fall, onFault } of checks) {
        if (!blamed.includes(check)) continue;
        const times = (kills.get(check) ?? 0) + 1;
        kills.set(check, times);
        // The host may have had no time to say what that came to.
        if (times >= fall && onFault === "down")
          judge.set(check, "down", `its sandbox host was ended while it ran: ${reason}`);
      }
      for (const abort of pending.values()) abort.abort();
      pending.clear();
      // A notifier is not: it is told the same event again by the next host.
      return blamed.length > 0 && blamed.every((plugin) => names.has(plugin));
    },
    onSilent: (forMs) => {
      for (const check of names)
        judge.set(check, "down", `no sandbox host has run for ${Math.round(forMs / 1000)} s`);
    },
  });

  function receive(message: SandboxToDaemon): void {
    switch (message.type) {
      case "state":
        if (!names.has(message.check)) return foreign(message.check);
        if (message.state === "up") kills.delete(message.check);
        return judge.set(message.check, message.state, redact(message.reason), message.weight);
      case "log":
        if (!grants.has(message.plugin)) return foreign(message.plugin);
        return log[message.level]({ plugin: message.plugin }, redact(message.message));
      case "request":
        return void perform(message);
      case "cancel":
        return pending.get(message.id)?.abort();
      default:
    }
  }

  function foreign(plugin: string): void {
    sandbox.replace(`it spoke for ${redact(singleLine(plugin))}, a plugin that it does not have`);
  }

  async function perform({
    id,
    plugin,
    request,
  }: Extract<SandboxToDaemon, { type: "request" }>): Promise<void> {
    const grant = grants.get(plugin);
    if (grant === undefined) return foreign(plugin);
    const abort = new AbortController();
    pending.set(id, abort);
    const result =
      request.type === "watch" && names.has(plugin)
        ? await watch(plugin, grant, request.process)
        : await requests.perform(plugin, grant, request, abort.signal);
    // Another host counts from 1 again: an answer to the one before is not for it.
    if (pending.get(id) !== abort) return;
    pending.delete(id);
    sandbox.answer(id, result);
  }

  /** From now on the check runs at once whenever a process of the name has ended. */
  async function watch(
    check: string,
    grant: Permissions,
    process: string,
  ): Promise<PrivilegedResult> {
    const key = JSON.stringify([check, process]);
    if (!grant.processes.includes(process))
      return {
        ok: false,
        error: `not granted: permissions.processes does not list ${JSON.stringify(process)}`,
      };
    if (watched.has(key)) return { ok: true, value: null };
    watched.add(key);
    try {
      await watches.watch(process, () => sandbox.wake(check));
      return { ok: true, value: null };
    } catch (error) {
      watched.delete(key);
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    status: () => ({ name, ...sandbox.status() }),
    report: async () =>
      (await sandbox.report())
        .filter(({ check }) => names.has(check))
        .map((report) => ({
          ...report,
          reason: redact(report.reason),
          last: report.last && { ...report.last, reason: redact(report.last.reason) },
          metrics: report.metrics.map((metric) => ({
            ...metric,
            labels: Object.fromEntries(
              Object.entries(metric.labels).map(([label, said]) => [label, redact(said)]),
            ),
          })),
        })),
    async notify(notifier, event) {
      const result = await sandbox.notify(notifier, event);
      return result.ok ? result : { ok: false, error: redact(result.error) };
    },
    stop() {
      for (const abort of pending.values()) abort.abort();
      sandbox.stop();
    },
  };
}
