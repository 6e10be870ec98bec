/**
 * What plugins may have done with root's hands: service actions. Each wish is checked here against the grant, on the
 * privileged side, whatever the sandbox host already checked.
 */
import { existsSync } from "node:fs";
import type { ServiceCommands } from "../config/model.ts";
import type { Permissions, ServiceAction } from "../sandbox/protocol.ts";
import type { CommandRunner } from "./command.ts";
import { createCommandRunner, describeResult } from "./command.ts";

/** A service command is killed after this time. */
const COMMAND_MS_MAX = 30_000;
/** What is kept of a command's output, for the message. */
const OUTPUT_CHARACTERS_MAX = 1000;
/** All that a command gets of an environment when a plugin asks for it: the daemon's own may hold secrets. */
export const PLUGIN_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};
/** systemctl(1) is-active: the exit status for a unit that is not active. */
const SYSTEMCTL_INACTIVE = 3;

/** systemd.unit(5): what a unit's name is made of; none begins like an option. */
const UNIT_NAME = /^[\w@.:\\][\w@.:\\-]*$/;

export type ServiceResult =
  | { readonly ok: true; readonly running: boolean }
  | { readonly ok: false; readonly error: string };

export interface ServiceActions {
  /**
   * Performs `action` on `service` for a check with this grant. Never rejects. `running` is meant for `status`; the
   * other actions answer true when the command succeeded.
   */
  perform(grant: Permissions, service: string, action: ServiceAction): Promise<ServiceResult>;
}

/** How to reach systemd. */
export interface Systemd {
  /** Exists exactly where systemd is the init process (sd_booted(3)). */
  readonly runningPath: string;
  readonly systemctl: string;
}

const SYSTEMD: Systemd = { runningPath: "/run/systemd/system", systemctl: "/usr/bin/systemctl" };

/** @param services the configuration's commands, by service name; they come before systemd's. */
export function createServiceActions(
  services: Readonly<Record<string, ServiceCommands>>,
  systemd: Systemd = SYSTEMD,
  runner: CommandRunner = createCommandRunner(PLUGIN_ENVIRONMENT, "/"),
): ServiceActions {
  /** One command at a time for each service: two checks must not start and stop it together. */
  const running = new Map<
    string,
    { readonly action: ServiceAction; readonly result: Promise<ServiceResult> }
  >();

  function begin(service: string, action: ServiceAction): Promise<ServiceResult> {
    const command = commandFor(services, systemd, service, action);
    if (command === undefined) {
      const error = `no way to ${action} ${service}: systemd does not run here; add services.${service}.${action} to the configuration`;
      return Promise.resolve({ ok: false, error });
    }
    const result = execute(runner, command, (status) =>
      isStopped(command, systemd, action, status),
    );
    running.set(service, { action, result });
    return result.finally(() => running.delete(service));
  }

  return {
    async perform(grant, service, action) {
      const granted = Object.hasOwn(grant.services, service) ? (grant.services[service] ?? []) : [];
      if (!granted.includes(action)) {
        const error = `not granted: permissions.services.${service} does not list "${action}"`;
        return { ok: false, error };
      }
      const present = running.get(service);
      // Who asks for what is already being done gets its result; a queue would do it again and again.
      if (present?.action === action) return present.result;
      if (present !== undefined) {
        return {
          ok: false,
          error: `${service} is busy: another check asked for ${present.action}`,
        };
      }
      return begin(service, action);
    },
  };
}

function commandFor(
  services: Readonly<Record<string, ServiceCommands>>,
  systemd: Systemd,
  service: string,
  action: ServiceAction,
): readonly string[] | undefined {
  const configured = Object.hasOwn(services, service) ? services[service]?.[action] : undefined;
  if (configured !== undefined) return configured;
  if (!existsSync(systemd.runningPath) || !UNIT_NAME.test(service)) return undefined;
  return [systemd.systemctl, action === "status" ? "is-active" : action, "--", service];
}

/** Whether an exit status of the `status` action says that the service is stopped, and not that nobody can tell. */
function isStopped(
  command: readonly string[],
  systemd: Systemd,
  action: ServiceAction,
  status: number,
): boolean {
  return action === "status" && (command[0] !== systemd.systemctl || status === SYSTEMCTL_INACTIVE);
}

async function execute(
  runner: CommandRunner,
  command: readonly string[],
  isStopped: (status: number) => boolean,
): Promise<ServiceResult> {
  let output = "";
  const result = await runner.run(command, {
    timeoutMs: COMMAND_MS_MAX,
    onOutput(line) {
      if (output.length < OUTPUT_CHARACTERS_MAX) output += `${output === "" ? ": " : " "}${line}`;
    },
  });
  if (result.type === "exited" && result.status === 0) return { ok: true, running: true };
  if (result.type === "exited" && isStopped(result.status)) return { ok: true, running: false };
  return { ok: false, error: `${command.join(" ")} ${describeResult(result)}${output}` };
}
