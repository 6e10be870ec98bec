/**
 * What plugins may have done with the daemon's hands: service actions, commands, mail, pings. Each wish is checked here against
 * the grant, on the privileged side, whatever the sandbox host already checked.
 */
import { join } from "node:path";
import type { Configuration } from "../config/model.ts";
import type { Logger } from "../observe/log.ts";
import { mayRun } from "../sandbox/grant.ts";
import type { Permissions, PrivilegedRequest, PrivilegedResult } from "../sandbox/protocol.ts";
import { createCommandRunner, describeResult } from "./command.ts";
import { commandIdentity } from "./command-user.ts";
import { createMailer } from "./mail.ts";
import { createPings } from "./pings.ts";
import { createStore } from "./store.ts";
import { createServiceActions, PLUGIN_ENVIRONMENT } from "./privileged.ts";

const OUTPUT_CHARACTERS_MAX = 64 * 1024;
/** Of one plugin: it cannot take them from the others. */
const COMMANDS_AT_ONCE_MAX = 8;
const MAILS_PER_MINUTE_MAX = 10;
const MINUTE_MS = 60_000;

export interface PluginRequests {
  /**
   * Performs a wish of a plugin with this grant. Never rejects.
   *
   * @param signal aborted when the invocation that asked has ended.
   */
  perform(
    plugin: string,
    grant: Permissions,
    request: PrivilegedRequest,
    signal: AbortSignal,
  ): Promise<PrivilegedResult>;
  /** Ends whatever still runs. */
  stop(): Promise<void>;
}

/** @param stateDirectory for what plugins keep. */
export function createPluginRequests(
  configuration: Pick<Configuration, "services" | "mail" | "commands">,
  stateDirectory: string,
  log: Pick<Logger, "info" | "warn" | "error">,
): PluginRequests {
  const store = createStore(join(stateDirectory, "store"), (plugin, reason) =>
    log.error({ plugin, reason }, "what the plugin keeps is not on disk"),
  );
  const runner = createCommandRunner(PLUGIN_ENVIRONMENT, "/");
  const services = createServiceActions(configuration.services, undefined, runner);
  const mailer = configuration.mail === undefined ? undefined : createMailer(configuration.mail);
  const pings = createPings();
  /** When each plugin sent its last mails. */
  const mailed = new Map<string, readonly number[]>();
  /** How many commands of each plugin run. */
  const running = new Map<string, number>();

  async function act(
    plugin: string,
    grant: Permissions,
    { service, action }: Extract<PrivilegedRequest, { type: "service" }>,
  ): Promise<PrivilegedResult> {
    const result = await services.perform(grant, service, action);
    if (!result.ok)
      log.warn({ plugin, service, action, error: result.error }, "service action failed");
    else if (action !== "status") log.info({ plugin, service, action }, "service action performed");
    return result.ok ? { ok: true, value: result.running } : result;
  }

  async function exec(
    plugin: string,
    grant: Permissions,
    { argv, timeoutMs }: Extract<PrivilegedRequest, { type: "exec" }>,
    signal: AbortSignal,
  ): Promise<PrivilegedResult> {
    if (!mayRun(grant.exec, argv))
      return refuse(`not granted: permissions.exec does not list ${JSON.stringify(argv)}`);
    const others = running.get(plugin) ?? 0;
    if (others >= COMMANDS_AT_ONCE_MAX)
      return refuse(`${COMMANDS_AT_ONCE_MAX} commands of this plugin run already`);
    const identity = commandIdentity({ argv, user: undefined }, configuration.commands);
    if (!identity.ok) return refuse(identity.reason);
    const output = { stdout: "", stderr: "" };
    running.set(plugin, others + 1);
    try {
      const result = await runner.run(argv, {
        user: identity.user,
        timeoutMs,
        signal,
        onData(stream, text) {
          output[stream] += text.slice(0, OUTPUT_CHARACTERS_MAX - output[stream].length);
        },
      });
      if (result.type === "not-started")
        return refuse(`${argv[0] ?? ""} ${describeResult(result)}`);
      return {
        ok: true,
        value: {
          status: result.type === "exited" ? result.status : null,
          signal:
            result.type === "killed"
              ? result.signal
              : result.type === "timed-out"
                ? "SIGTERM"
                : null,
          ...output,
        },
      };
    } finally {
      running.set(plugin, (running.get(plugin) ?? 1) - 1);
    }
  }

  async function mail(
    plugin: string,
    grant: Permissions,
    { subject, text }: Extract<PrivilegedRequest, { type: "mail" }>,
  ): Promise<PrivilegedResult> {
    if (!grant.mail) return refuse("not granted: permissions.mail is not true");
    if (mailer === undefined)
      return refuse("the configuration has no mail: { server, from, to } to send it through");
    const now = performance.now();
    const recent = (mailed.get(plugin) ?? []).filter((at) => now - at < MINUTE_MS);
    if (recent.length >= MAILS_PER_MINUTE_MAX)
      return refuse(`more than ${MAILS_PER_MINUTE_MAX} mails in a minute`);
    mailed.set(plugin, [...recent, now]);
    await mailer.send(subject, text);
    return { ok: true, value: null };
  }

  function keep(
    plugin: string,
    grant: Permissions,
    { action, key, value }: Extract<PrivilegedRequest, { type: "store" }>,
  ): PrivilegedResult {
    if (!grant.store) return refuse("not granted: permissions.store is not true");
    switch (action) {
      case "get":
        return { ok: true, value: store.get(plugin, key) };
      case "keys":
        return { ok: true, value: store.keys(plugin) };
      case "set":
        store.set(plugin, key, value);
        return { ok: true, value: null };
    }
  }

  return {
    async perform(plugin, grant, request, signal) {
      try {
        switch (request.type) {
          case "service":
            return await act(plugin, grant, request);
          case "exec":
            return await exec(plugin, grant, request, signal);
          case "mail":
            return await mail(plugin, grant, request);
          case "store":
            return keep(plugin, grant, request);
          case "watch":
            return refuse("a notifier watches no processes");
          case "ping":
            return { ok: true, value: await pings.perform(plugin, grant, request, signal) };
        }
      } catch (error) {
        return refuse(error instanceof Error ? error.message : String(error));
      }
    },
    async stop() {
      mailer?.close();
      store.close();
      pings.close();
      await runner.stop();
    },
  };
}

function refuse(error: string): PrivilegedResult {
  return { ok: false, error };
}
