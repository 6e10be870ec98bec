/** karuntime on a host: the daemon from this checkout's build, its log as records, its status, its processes. */
import { fileURLToPath } from "node:url";
import type { StatusReport } from "../../runtime/src/observe/status.ts";
import type { Host } from "./host.ts";
import type { Ending, HostProcess, Line } from "./host-process.ts";
import { now, waitFor } from "./time.ts";

/** The command, from this checkout. */
export const PROGRAM = fileURLToPath(new URL("../../runtime/bin/karuntime", import.meta.url));

export interface KaruntimeOptions {
  /** The configuration file, as the machine names it. */
  readonly configuration: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further options of `karuntime start`. */
  readonly options?: readonly string[];
  /** Another build than the checkout's. */
  readonly program?: string;
  readonly onRecord?: (record: LogRecord) => void;
}

/** A line of the daemon's log. */
export interface LogRecord {
  /** When it arrived here, by the lab's clock. */
  readonly atMs: number;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Transition {
  readonly atMs: number;
  readonly virtualRouter: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly priority: number;
}

/** The processes that may be killed or frozen by themselves. */
export type Role = "daemon" | "engine" | "sandbox";

export interface Karuntime {
  readonly process: HostProcess;
  readonly records: readonly LogRecord[];
  /** Of all virtual routers, oldest first. */
  transitions(): Transition[];
  /** Resolves when the virtual router (the only one by default) is in this state. */
  entered(state: string, timeoutMs: number, virtualRouter?: string): Promise<void>;
  /** @throws Error with what `karuntime status` said when it failed. */
  status(): Promise<StatusReport>;
  /** What `karuntime status` prints for people. */
  statusText(): Promise<string>;
  /** Sends a signal to one of its processes, found through `status`. @returns that process's id as the machine sees it. */
  signal(role: Role, signal: NodeJS.Signals): Promise<number>;
  /** SIGTERM: gives the addresses up and ends. */
  stop(): Promise<Ending>;
}

/** Starts the daemon; resolves when its process exists, not when it is ready. */
export async function startKaruntime(host: Host, options: KaruntimeOptions): Promise<Karuntime> {
  const records: LogRecord[] = [];
  const program = options.program ?? PROGRAM;
  const argv = [
    "start",
    "-c",
    options.configuration,
    "--log-format",
    "json",
    ...(options.options ?? []),
  ];
  const daemon = await host.spawn([program, ...argv], {
    env: options.env ?? {},
    onLine(line) {
      const record = parseRecord(line);
      records.push(record);
      options.onRecord?.(record);
    },
  });

  async function status(): Promise<StatusReport> {
    return JSON.parse(await host.run([program, "status", "--json"])) as StatusReport;
  }

  function transitions(): Transition[] {
    return records.flatMap((record) => transitionOf(record) ?? []);
  }

  return {
    process: daemon,
    records,
    transitions,
    status,
    statusText: () => host.run([program, "status"]),
    async entered(state, timeoutMs, virtualRouter) {
      await waitFor(
        `${host.name} to be ${state}`,
        () => {
          if (daemon.ending !== undefined) {
            throw new Error(`karuntime on ${host.name} ended: ${daemon.output.slice(-2000)}`);
          }
          const last = transitions().findLast(
            (transition) =>
              virtualRouter === undefined || transition.virtualRouter === virtualRouter,
          );
          return last?.to === state;
        },
        timeoutMs,
      );
    },
    async signal(role, signal) {
      const report = await status();
      const hostPid = {
        daemon: report.daemon.pid,
        engine: report.engine.pid,
        sandbox: report.sandboxes[0]?.pid,
      }[role];
      const found = host.processes().find((candidate) => candidate.hostPid === hostPid);
      if (found === undefined) throw new Error(`${host.name}: there is no ${role} to signal`);
      process.kill(found.pid, signal);
      return found.pid;
    },
    async stop() {
      daemon.kill("SIGTERM");
      return daemon.exited;
    },
  };
}

/** What one line of the log says about a transition, if it does. */
export function transitionOf(record: LogRecord): Transition | undefined {
  const { virtualRouter, from, to, reason, priority } = record.fields;
  if (typeof virtualRouter !== "string" || typeof from !== "string") return undefined;
  if (typeof to !== "string" || typeof reason !== "string") return undefined;
  return { atMs: record.atMs, virtualRouter, from, to, reason, priority: Number(priority) };
}

/* A line that is no JSON, as a crash writes it, is a record too: it must not get lost. */
function parseRecord(line: Line): LogRecord {
  try {
    const { level, msg, ...fields } = JSON.parse(line.text) as Record<string, unknown>;
    return { atMs: now(), level: String(level), message: String(msg ?? ""), fields };
  } catch {
    return { atMs: now(), level: "error", message: line.text, fields: {} };
  }
}
