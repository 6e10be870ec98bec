/**
 * What plugins may have done with root's hands: service actions. Each wish is checked here against the grant, on the
 * privileged side, whatever the sandbox host already checked.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import type { ServiceCommands } from "../config/model.ts";
import type { Permissions, ServiceAction } from "../sandbox/protocol.ts";

/** A service command is killed after this time. */
const COMMAND_MS_MAX = 30_000;
/** What is kept of a command's output, for the message. */
const OUTPUT_BYTES_MAX = 4096;
/** All that a command gets of an environment: the daemon's own may hold secrets. */
const ENVIRONMENT = {
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
    const result = execute(command, (status) => isStopped(command, systemd, action, status));
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

/** Runs a command in a process group of its own, without a shell, bounded in time and output. */
function execute(
  command: readonly string[],
  isStopped: (status: number) => boolean,
): Promise<ServiceResult> {
  const [file = "", ...argv] = command;
  return new Promise((resolve) => {
    let output = "";
    let timedOut = false;
    const child = spawn(file, argv, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      cwd: "/",
      env: ENVIRONMENT,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString("utf8").slice(0, OUTPUT_BYTES_MAX - output.length);
      });
    }
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, COMMAND_MS_MAX);
    const settle = (result: ServiceResult): void => {
      clearTimeout(timer);
      // A service that the command started may hold these pipes and write to them: they stay open and are drained.
      for (const stream of [child.stdout, child.stderr]) {
        if (stream instanceof Socket) stream.unref();
      }
      resolve(result);
    };
    child.on("error", (error) => settle({ ok: false, error: `${file}: ${error.message}` }));
    child.on("exit", (status, signal) => {
      if (status === 0) return settle({ ok: true, running: true });
      if (status !== null && isStopped(status)) return settle({ ok: true, running: false });
      const said = output.trim() === "" ? "" : `: ${output.trim()}`;
      const how = timedOut
        ? `ran longer than ${COMMAND_MS_MAX / 1000} s and was killed`
        : signal === null
          ? `exited with status ${status}`
          : `was ended by ${signal}`;
      settle({ ok: false, error: `${command.join(" ")} ${how}${said}` });
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended in the meantime.
  }
}
