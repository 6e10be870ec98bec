/** All plugins as the daemon sees them: each trust group in a sandbox host of its own, and notifiers told of events. */
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { LoadedConfiguration } from "../config/load.ts";
import { sandboxUser } from "../config/sandbox-user.ts";
import type { Logger } from "../observe/log.ts";
import type { SandboxStatus } from "../observe/status.ts";
import type { CheckReport } from "../sandbox/protocol.ts";
import type { Judge } from "./judge.ts";
import type { Notification } from "./notification.ts";
import { notifierEvent } from "./notifier-event.ts";
import type { PluginGroup } from "./plugin-group.ts";
import { startPluginGroup } from "./plugin-group.ts";
import { createPluginRequests } from "./plugin-requests.ts";
import { createProcessWatches } from "./process-watches.ts";

const NOTIFIER_MS_MAX = 25_000;
const ATTEMPTS = 3;
const RETRY_MS = 1000;
const MEGABYTE = 1024 * 1024;
/** What one host may use for its own memory, unless the configuration says it. */
const HOST_BYTES = 128 * MEGABYTE;
/** So many plugins and checks fit into that; each further one brings its own. */
const INCLUDED = 16;
const PLUGIN_BYTES = 2 * MEGABYTE;
const CHECK_BYTES = MEGABYTE / 2;

export interface Plugins {
  readonly status: () => readonly SandboxStatus[];
  readonly report: () => Promise<readonly CheckReport[]>;
  /**
   * Tells the notifier of the notification with this index.
   *
   * @throws Error when it failed three times.
   */
  notify(index: number, notification: Notification): Promise<void>;
  stop(): Promise<void>;
}

/** Starts their sandbox hosts; those that have only notifiers when there is something to tell. */
export function startPlugins(
  loaded: LoadedConfiguration,
  judge: Judge,
  stateDirectory: string,
  log: Logger,
): Plugins {
  const { configuration } = loaded;
  const { memoryBytes, idleAfterMs } = configuration.sandbox;
  const requests = createPluginRequests(configuration, stateDirectory, log);
  const watches = createProcessWatches();
  const user = sandboxUser(configuration.sandbox.user);
  if (user === undefined) {
    log.warn(
      "plugins run as the daemon's own user, without its capabilities: it cannot become another one here",
    );
  }
  const refused = new Map<string, string>();
  for (const { subject, diagnostics } of loaded.refused) {
    const name = subject.type === "check" ? subject.name : notifierName(subject.notification);
    const reason = diagnostics.map(({ message }) => message).join("; ");
    log.error({ plugin: name, hint: diagnostics[0]?.hint }, reason);
    refused.set(name, reason);
    if (subject.type === "check") judge.set(name, "down", reason);
  }
  const notifiers = loaded.notifiers.map(({ notification, ...plugin }) => ({
    ...plugin,
    name: notifierName(notification),
    timeoutMs: NOTIFIER_MS_MAX,
  }));
  const names = new Set([...loaded.checks, ...notifiers].map(({ trustGroup }) => trustGroup));
  const groups = new Map<string, PluginGroup>(
    [...names].map((name) => {
      const checks = loaded.checks.filter(({ trustGroup }) => trustGroup === name);
      const told = notifiers.filter(({ trustGroup }) => trustGroup === name);
      const bundles = new Set([...checks, ...told].map(({ bundle }) => bundle.hash)).size;
      return [
        name,
        startPluginGroup({
          name,
          checks,
          notifiers: told,
          user,
          memoryBytes: memoryBytes ?? memoryFor(bundles, checks.length),
          idleAfterMs,
          requests,
          watches,
          judge,
          log,
        }),
      ];
    }),
  );

  return {
    status: () => [...groups.values()].map((group) => group.status()),
    report: async () => [
      ...(await Promise.all([...groups.values()].map((group) => group.report()))).flat(),
      ...[...refused].map(([name, reason]) => ({
        ...emptyReport(name),
        state: "down" as const,
        reason,
      })),
    ],
    async notify(index, notification) {
      const reason = refused.get(notifierName(index));
      if (reason !== undefined) throw new Error(reason);
      const group = groups.get(
        loaded.notifiers.find((notifier) => notifier.notification === index)?.trustGroup ?? "",
      );
      if (group === undefined) throw new Error(`there is no notifier ${index}`);
      const event = notifierEvent(notification, configuration.mail?.routerName ?? hostname());
      for (let attempt = 1; ; attempt++) {
        const result = await group.notify(notifierName(index), event);
        if (result.ok) return;
        if (attempt === ATTEMPTS) throw new Error(result.error);
        log.warn(
          { plugin: notifierName(index), sequence: notification.sequence, error: result.error },
          "a notifier failed and is told again",
        );
        await pause(RETRY_MS * attempt, undefined, { ref: false });
      }
    },
    async stop() {
      for (const group of groups.values()) group.stop();
      watches.close();
      await requests.stop();
    },
  };
}

function memoryFor(plugins: number, checks: number): number {
  return (
    HOST_BYTES +
    Math.max(0, plugins - INCLUDED) * PLUGIN_BYTES +
    Math.max(0, checks - INCLUDED) * CHECK_BYTES
  );
}

/** No check's name has a blank. */
function notifierName(notification: number): string {
  return `notifier ${notification}`;
}

/** Of a check that has not run. */
export function emptyReport(check: string): CheckReport {
  return {
    check,
    state: "unknown",
    reason: "the sandbox host does not answer",
    last: undefined,
    runs: 0,
    outcomes: { up: 0, down: 0, "timed out": 0, "out of memory": 0, error: 0 },
    skipped: 0,
    metrics: [],
    faults: 0,
    backsOffMs: 0,
    denied: 0,
  };
}
