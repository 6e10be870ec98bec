/**
 * The engine as the daemon sees it: started, attached to over its unix socket, told the configuration and what the
 * trackers say, and started again when it dies. While it is away its addresses are ended by their leases.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import type {
  DaemonToEngine,
  EngineStatus,
  EngineToDaemon,
  StaticHoldings,
} from "../engine/protocol.ts";
import { jsonLines } from "../json-lines.ts";
import type { JsonLines } from "../json-lines.ts";
import type { Logger } from "../observe/log.ts";
import type { ProcessStatus } from "../observe/status.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";
import type { TrackerState } from "../vrrp/types.ts";
import { createBackoff } from "./backoff.ts";
import { onPulse } from "./pulse.ts";
import { createQuestions } from "./questions.ts";

const CONNECT_RETRY_MS = 5;
const CONNECT_MS_MAX = 10_000;
/** What the engine allocates dies at once: a megabyte for it saves a third of its memory with 255 virtual routers, at no cost in time. */
const SMALL_YOUNG_GENERATION = "--max-semi-space-size=1";
/** Silent for this long, it is reported; its leases have begun to end. */
const SILENT_REPORT_MS = 3000;
/** Silent for this long, it is killed and replaced. */
const SILENT_KILL_MS = 15_000;
/** A resignation is a few packets; a stop that takes longer than this is ended by SIGKILL. */
const STOP_MS_MAX = 3000;

export interface EngineProcess {
  readonly status: () => ProcessStatus;
  /** What the engine says of itself, or undefined when it does not answer within a second. */
  readonly report: () => Promise<EngineStatus | undefined>;
  readonly setTracker: (name: string, state: TrackerState) => void;
  /** Resigns everywhere and ends the engine. */
  readonly stop: () => Promise<void>;
}

export interface EngineOptions {
  readonly socket: string;
  readonly log: Logger;
  readonly onMessage: (message: EngineToDaemon) => void;
}

/** Starts the engine at once, so that it warms up while the configuration loads; `configure` gives it its work. */
export function startEngine(options: EngineOptions): EngineProcess & {
  readonly configure: (
    virtualRouters: readonly VirtualRouterConfig[],
    holdings: StaticHoldings,
  ) => void;
} {
  const { log } = options;
  const trackers = new Map<string, TrackerState>();
  const questions = createQuestions<EngineStatus>();
  const backoff = createBackoff();
  let work: Extract<DaemonToEngine, { type: "configure" }> | undefined;
  let child: ChildProcess | undefined;
  let lines: JsonLines<DaemonToEngine> | undefined;
  let restarts = 0;
  let nextPing = 1;
  let heardAtMs = performance.now();
  let reportedSilent = false;
  let stopping: (() => void) | undefined;
  let restartTimer: NodeJS.Timeout | undefined;

  function launch(): void {
    const started = spawn(
      process.execPath,
      [
        SMALL_YOUNG_GENERATION,
        fileURLToPath(new URL("../engine/main.js", import.meta.url)),
        "--socket",
        options.socket,
      ],
      {
        stdio: ["ignore", "inherit", "inherit"],
        // A terminal's Ctrl-C is for the daemon, which then stops the engine in order.
        detached: true,
      },
    );
    child = started;
    heardAtMs = performance.now();
    started.on("error", (error) =>
      log.error({ error: error.message }, "the engine could not be started"),
    );
    started.on("exit", (status, signal) => {
      if (child !== started) return;
      child = undefined;
      lines?.close();
      lines = undefined;
      if (stopping !== undefined) return stopping();
      restarts++;
      const delayMs = backoff.next();
      log.error(
        { status, signal, delayMs },
        "the engine ended; its addresses end with their leases; starting another one",
      );
      restartTimer = setTimeout(launch, delayMs);
    });
    attach(started, performance.now() + CONNECT_MS_MAX);
  }

  function attach(started: ChildProcess, deadlineMs: number): void {
    const socket = connect(options.socket);
    socket.once("error", () => {
      socket.destroy();
      if (child !== started) return;
      if (performance.now() < deadlineMs)
        setTimeout(() => attach(started, deadlineMs), CONNECT_RETRY_MS);
      else {
        log.error("the engine did not open its socket in time");
        started.kill("SIGKILL");
      }
    });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      lines = jsonLines<DaemonToEngine>(
        socket,
        (message) => receive(message as EngineToDaemon),
        () => (lines = undefined),
      );
      configureEngine();
    });
  }

  function configureEngine(): void {
    if (lines === undefined || work === undefined) return;
    lines.send(work);
    for (const [name, state] of trackers) lines.send({ type: "tracker", name, state });
  }

  function receive(message: EngineToDaemon): void {
    heardAtMs = performance.now();
    if (reportedSilent) log.warn("the engine answers again");
    reportedSilent = false;
    if (message.type === "status") questions.answer(message.id, message.status);
    else options.onMessage(message);
  }

  function heartbeat(): void {
    if (child === undefined || lines === undefined || work === undefined) {
      heardAtMs = performance.now();
      return;
    }
    const silentMs = performance.now() - heardAtMs;
    if (silentMs > SILENT_KILL_MS) {
      log.error({ silentMs: Math.round(silentMs) }, "the engine did not answer and is killed");
      child.kill("SIGKILL");
    } else if (silentMs > SILENT_REPORT_MS && !reportedSilent) {
      reportedSilent = true;
      log.error(
        { silentMs: Math.round(silentMs) },
        "the engine does not answer; its addresses end with their leases",
      );
    }
    lines.send({ type: "ping", id: nextPing++ });
  }

  launch();
  const endHeartbeat = onPulse(heartbeat);

  return {
    configure(virtualRouters, holdings) {
      work = { type: "configure", virtualRouters, holdings };
      configureEngine();
    },
    status: () => ({
      pid: child?.pid,
      state: child === undefined ? "restarting" : reportedSilent ? "not answering" : "running",
      restarts,
    }),
    report: () => questions.ask((id) => lines?.send({ type: "status", id })),
    setTracker(name, state) {
      trackers.set(name, state);
      lines?.send({ type: "tracker", name, state });
    },
    stop() {
      endHeartbeat();
      clearTimeout(restartTimer);
      return new Promise((resolve) => {
        if (child === undefined) return resolve();
        const timer = setTimeout(() => child?.kill("SIGKILL"), STOP_MS_MAX);
        stopping = () => {
          clearTimeout(timer);
          resolve();
        };
        if (lines?.send({ type: "stop" }) !== true) child.kill("SIGTERM");
      });
    },
  };
}
