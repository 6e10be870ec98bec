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
/** Exists exactly where systemd is the init process (sd_booted(3)). */
const SYSTEMD_RUNNING = "/run/systemd/system";
/** systemctl(1) is-active: the exit status for a unit that is not active. */
const SYSTEMCTL_INACTIVE = 3;

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

/** @param services the configuration's commands, by service name. */
export function createServiceActions(
  services: Readonly<Record<string, ServiceCommands>>,
): ServiceActions {
  /** One command at a time for each service: two checks must not start it together. */
  const running = new Map<string, Promise<ServiceResult>>();
  return {
    async perform(grant, service, action) {
      const granted = Object.hasOwn(grant.services, service) ? (grant.services[service] ?? []) : [];
      if (!granted.includes(action))
        return {
          ok: false,
          error: `not granted: permissions.services.${service} does not list "${action}"`,
        };
      const command = commandFor(services, service, action);
      if (command === undefined) {
        return {
          ok: false,
          error: `no way to ${action} ${service}: systemd does not run here; add services.${service}.${action} to the configuration`,
        };
      }
      const next = (running.get(service) ?? Promise.resolve()).then(() => execute(command, action));
      running.set(service, next);
      const result = await next;
      if (running.get(service) === next) running.delete(service);
      return result;
    },
  };
}

function commandFor(
  services: Readonly<Record<string, ServiceCommands>>,
  service: string,
  action: ServiceAction,
): readonly string[] | undefined {
  const configured = Object.hasOwn(services, service) ? services[service]?.[action] : undefined;
  if (configured !== undefined) return configured;
  if (!existsSync(SYSTEMD_RUNNING) || !/^[\w@.:-]+$/.test(service) || service.startsWith("-"))
    return undefined;
  return ["/usr/bin/systemctl", action === "status" ? "is-active" : action, "--", service];
}

/** Runs a command in a process group of its own, without a shell, bounded in time and output. */
function execute(command: readonly string[], action: ServiceAction): Promise<ServiceResult> {
  const [file = "", ...argv] = command;
  return new Promise((resolve) => {
    let output = "";
    let timedOut = false;
    const child = spawn(file, argv, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      cwd: "/",
    });
    const collect = (chunk: Buffer): void => {
      if (output.length < OUTPUT_BYTES_MAX)
        output += chunk.toString("utf8").slice(0, OUTPUT_BYTES_MAX - output.length);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) killGroup(child.pid);
    }, COMMAND_MS_MAX);
    const settle = (result: ServiceResult): void => {
      clearTimeout(timer);
      // A service that the command started may hold these pipes and write to them: they stay open and are drained.
      for (const stream of [child.stdout, child.stderr])
        if (stream instanceof Socket) stream.unref();
      resolve(result);
    };
    child.on("error", (error) => settle({ ok: false, error: `${file}: ${error.message}` }));
    child.on("exit", (status, signal) => {
      if (timedOut)
        settle({
          ok: false,
          error: `${file} ran longer than ${COMMAND_MS_MAX / 1000} s and was killed`,
        });
      else if (status === 0) settle({ ok: true, running: true });
      else if (
        action === "status" &&
        status !== null &&
        (file !== "/usr/bin/systemctl" || status === SYSTEMCTL_INACTIVE)
      )
        settle({ ok: true, running: false });
      else
        settle({
          ok: false,
          error: `${command.join(" ")} ${signal === null ? `exited with status ${status}` : `was ended by ${signal}`}${output.trim() === "" ? "" : `: ${output.trim()}`}`,
        });
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
