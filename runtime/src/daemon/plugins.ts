/** The operator's own plugins: their sandbox host, what they say, what they ask for, what notifiers are told. */
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { LoadedConfiguration } from "../config/load.ts";
import { sandboxUser } from "../config/sandbox-user.ts";
import type { Logger } from "../observe/log.ts";
import type { CheckReport, Permissions, SandboxToDaemon } from "../sandbox/protocol.ts";
import type { Judge } from "./judge.ts";
import type { Notification } from "./notifications.ts";
import { createPluginRequests } from "./plugin-requests.ts";
import type { ProcessStatus } from "../observe/status.ts";
import { startSandbox } from "./sandbox-process.ts";

/** The sandbox host of the operator's own plugins. */
const OPERATOR = "operator";
const NOTIFIER_MS_MAX = 25_000;
const ATTEMPTS = 3;
const RETRY_MS = 1000;

export interface Plugins {
  readonly name: string;
  readonly status: () => ProcessStatus;
  readonly report: () => Promise<readonly CheckReport[]>;
  /**
   * Tells the notifier of the notification with this index.
   *
   * @throws Error when it failed three times.
   */
  notify(index: number, notification: Notification): Promise<void>;
  stop(): Promise<void>;
}

/** Starts their sandbox host. */
export function startPlugins(loaded: LoadedConfiguration, judge: Judge, log: Logger): Plugins {
  const { configuration } = loaded;
  const requests = createPluginRequests(configuration, log);
  const user = sandboxUser(configuration.sandbox.user);
  if (user === undefined) {
    log.warn(
      "plugins run as the daemon's own user, without its capabilities: it cannot become another one here",
    );
  }
  const notifiers = loaded.notifiers.map(({ notification, ...plugin }) => ({
    ...plugin,
    name: notifierName(notification),
    timeoutMs: NOTIFIER_MS_MAX,
  }));
  const grants = new Map<string, Permissions>(
    [...loaded.checks, ...notifiers].map(({ name, grant }) => [name, grant]),
  );
  /** Requests that are being performed. */
  const pending = new Map<number, AbortController>();
  const sandbox = startSandbox({
    name: OPERATOR,
    user,
    checks: () =>
      loaded.checks.map((check) => ({ ...check, initialState: judge.state(check.name) })),
    notifiers,
    log,
    onMessage: receive,
    onReplaced() {
      for (const abort of pending.values()) abort.abort();
      pending.clear();
    },
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
        return log[message.level]({ plugin: message.plugin }, message.message);
      case "request":
        return void perform(message);
      case "cancel":
        return pending.get(message.id)?.abort();
      default:
    }
  }

  async function perform({
    id,
    plugin,
    request,
  }: Extract<SandboxToDaemon, { type: "request" }>): Promise<void> {
    const grant = grants.get(plugin);
    if (grant === undefined)
      return sandbox.answer(id, { ok: false, error: "there is no such plugin" });
    const abort = new AbortController();
    pending.set(id, abort);
    const result = await requests.perform(plugin, grant, request, abort.signal);
    // Another host counts from 1 again: an answer to the one before is not for it.
    if (pending.get(id) !== abort) return;
    pending.delete(id);
    sandbox.answer(id, result);
  }

  return {
    name: sandbox.name,
    status: sandbox.status,
    report: sandbox.report,
    async notify(index, { at, state, ...notification }) {
      const event = {
        ...notification,
        state: state.toLowerCase(),
        at: at.toISOString(),
        routerName: configuration.mail?.routerName ?? hostname(),
      };
      for (let attempt = 1; ; attempt++) {
        const result = await sandbox.notify(notifierName(index), event);
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
      sandbox.stop();
      await requests.stop();
    },
  };
}

/** No check's name has a blank. */
function notifierName(notification: number): string {
  return `notifier ${notification}`;
}
