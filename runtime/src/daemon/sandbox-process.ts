/**
 * One sandbox host as the daemon sees it: started without privileges, given its checks, watched, and killed and
 * started again when it dies, hangs, or outgrows its memory. While it is away, what its checks said last stays.
 */
import type { ChildProcess } from "node:child_process";
import type { JsonLines } from "../json-lines.ts";
import { jsonLines } from "../json-lines.ts";
import type { Logger } from "../observe/log.ts";
import type { OwnMemory } from "../own-memory.ts";
import { openOwnMemory } from "../own-memory.ts";
import type { SandboxStatus } from "../observe/status.ts";
import type {
  CheckReport,
  CheckSpec,
  DaemonToSandbox,
  JsonValue,
  NotifierSpec,
  PrivilegedResult,
  SandboxToDaemon,
} from "../sandbox/protocol.ts";
import { createMemoryGroup } from "../linux/cgroup.ts";
import type { SandboxUser } from "../sandbox/spawn.ts";
import { spawnSandboxHost } from "../sandbox/spawn.ts";
import { createBackoff } from "./backoff.ts";
import { PULSE_MS, onPulse } from "./pulse.ts";
import { createQuestions } from "./questions.ts";
import { parseSandboxMessage } from "./sandbox-messages.ts";

/** For longer than that none is silent that lives, unless it is busy. */
const SILENT_REPORT_MS = 2.5 * PULSE_MS;
/** A host whose main loop is silent for this long is killed. */
const SILENT_KILL_MS = 3000;
/** It has no plugin before it has started, which takes a machine that boots some seconds: to end it then would only begin anew. */
const STARTING_KILL_MS = 10_000;
/** A host ends what is too large in it before the kernel, or this process, ends the host. */
const OWN_SHARE = 3 / 4;
/** What is kept of what one host writes to its standard error. */
const COMPLAINT_CHARACTERS_MAX = 4000;
/** What a check said last stands in for it this long while no host runs. */
const ABSENT_MS_MAX = 10_000;

export type NotifyResult = Extract<SandboxToDaemon, { type: "notified" }>["result"];

export interface SandboxProcess {
  readonly name: string;
  readonly status: () => Omit<SandboxStatus, "name">;
  /** What the host knows of its checks, or nothing when it does not answer within a second. */
  readonly report: () => Promise<readonly CheckReport[]>;
  readonly answer: (id: number, result: PrivilegedResult) => void;
  /** Hands an event to a notifier. When the host dies meanwhile, the next one gets it again. */
  readonly notify: (notifier: string, event: JsonValue) => Promise<NotifyResult>;
  /** Has a check run at once. */
  readonly wake: (check: string) => void;
  /** Kills the host and starts another one. */
  readonly replace: (reason: string) => void;
  /** Ends the host for good. */
  readonly stop: () => void;
}

export interface SandboxOptions {
  readonly name: string;
  readonly user: SandboxUser | undefined;
  /** For the host's own memory. */
  readonly memoryBytes: number;
  /** Files that its plugins are granted. */
  readonly readable: readonly string[];
  /** The host is started when there is something to tell, and ended after so long without; undefined: it always runs. */
  readonly idleAfterMs: number | undefined;
  /** Asked at each start of a host. */
  readonly checks: () => readonly CheckSpec[];
  readonly notifiers: readonly NotifierSpec[];
  readonly log: Logger;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  readonly onMessage: (message: SandboxToDaemon) => void;
  /**
   * The host is gone: nobody waits for answers to what it asked. Gets the plugins whose doing it was, where that is known.
   *
   * @returns whether these are backed off themselves, so that the next host need not wait.
   */
  readonly onReplaced: (reason: string, blamed: readonly string[]) => boolean;
  /** No host has run for a while: what its checks said last is too old to be trusted. */
  readonly onSilent: (forMs: number) => void;
}

export function startSandbox(options: SandboxOptions): SandboxProcess {
  const { log, name } = options;
  const questions = createQuestions<readonly CheckReport[]>();
  const backoff = createBackoff();
  let child: ChildProcess | undefined;
  let memory: OwnMemory | undefined;
  /** Whether the kernel took the present host into the group. */
  let limited = false;
  let lines: JsonLines<DaemonToSandbox> | undefined;
  let restarts = 0;
  let heardAtMs = performance.now();
  /** Whether it has said something by itself since the last pulse: then it need not be asked whether it lives. */
  let spoke = false;
  let lostAtMs: number | undefined;
  /** Whether the present host has its plugins. */
  let loaded = false;
  let stopped = false;
  let nextEvent = 1;
  /** Events that no host has taken yet, in their order. */
  const events = new Map<
    number,
    {
      readonly message: Extract<DaemonToSandbox, { type: "notify" }>;
      readonly resolve: (result: NotifyResult) => void;
    }
  >();
  let restartTimer: NodeJS.Timeout | undefined;
  /** Plugins that have run for some time in the present host. */
  let long: readonly string[] = [];
  let idleTimer: NodeJS.Timeout | undefined;
  const { memoryBytes, idleAfterMs } = options;
  const group = createMemoryGroup(name, memoryBytes);

  function launch(): void {
    const host = spawnSandboxHost({
      user: options.user,
      memoryBytes: Math.floor(memoryBytes * OWN_SHARE),
      readable: options.readable,
    });
    child = host.child;
    const { pid } = host.child;
    limited = pid !== undefined && group?.add(pid) === true;
    memory = pid === undefined ? undefined : openOwnMemory(pid);
    heardAtMs = performance.now();
    lines = jsonLines<DaemonToSandbox>(
      host.channel,
      (message) => host.child === child && receive(message),
      (reason) => reason !== undefined && kill(host.child, `its messages broke off: ${reason}`),
    );
    logComplaint(host.child);
    host.child.on("error", (error) =>
      kill(host.child, `it could not be started: ${error.message}`),
    );
    host.child.on("exit", (status, signal) => {
      if (host.child === child) replace(`it ended (${signal ?? `status ${status}`})`);
    });
  }

  /** What a host writes by itself says why it crashed. */
  function logComplaint(process: ChildProcess): void {
    let complaint = "";
    process.stderr?.on("data", (text: Buffer) => {
      complaint += text.toString("utf8").slice(0, COMPLAINT_CHARACTERS_MAX - complaint.length);
    });
    process.on("close", () => {
      if (complaint !== "")
        log.error(
          { sandbox: name, said: options.redact(complaint) },
          "the sandbox host said before it ended",
        );
    });
  }

  function end(): void {
    const old = child;
    child = undefined;
    memory?.close();
    memory = undefined;
    lines?.close();
    lines = undefined;
    loaded = false;
    old?.kill("SIGKILL");
  }

  /** Starts another host in place of the present one, which is gone or is killed here. */
  function replace(reason: string, blamed: readonly string[] = long): void {
    end();
    long = [];
    const backedOff = options.onReplaced(reason, blamed);
    if (stopped) return;
    restarts++;
    lostAtMs ??= performance.now();
    const delayMs = backedOff ? 0 : backoff.next();
    log.error(
      { sandbox: name, reason, plugins: blamed, delayMs },
      "the sandbox host is replaced; its checks keep their last state until they answer again",
    );
    restartTimer = setTimeout(() => {
      restartTimer = undefined;
      launch();
    }, delayMs);
  }

  function kill(process: ChildProcess, reason: string): void {
    if (process === child) replace(reason);
  }

  function receive(raw: unknown): void {
    const message = parseSandboxMessage(raw);
    if (message === undefined) return replace("it sent a message that no sandbox host may send");
    heardAtMs = performance.now();
    if (message.type !== "pong") spoke = true;
    switch (message.type) {
      case "ready":
        if (!load(options.checks(), options.notifiers))
          return replace("it does not take in what it has to run");
        loaded = true;
        for (const { message: event } of events.values()) lines?.send(event);
        if (lostAtMs !== undefined)
          log.info(
            { sandbox: name, gapMs: Math.round(performance.now() - lostAtMs) },
            "the sandbox host is back; its checks resume",
          );
        lostAtMs = undefined;
        break;
      case "report":
        questions.answer(message.id, message.checks);
        break;
      case "notified":
        events.get(message.id)?.resolve(message.result);
        events.delete(message.id);
        restWhenIdle();
        break;
      case "pong":
      case "alive":
        break;
      case "long":
        long = message.plugins;
        break;
      case "recycle":
        replace(options.redact(message.reason), message.plugin === "" ? long : [message.plugin]);
        break;
      default:
        options.onMessage(message);
    }
  }

  /** @returns whether everything was sent. */
  function load(checks: readonly CheckSpec[], notifiers: readonly NotifierSpec[]): boolean {
    const bundles = new Map([...checks, ...notifiers].map(({ bundle }) => [bundle.hash, bundle]));
    const messages: readonly DaemonToSandbox[] = [
      ...[...bundles.values()].map((bundle) => ({ type: "bundle", bundle }) as const),
      ...checks.map(
        (check) => ({ type: "load", check: { ...check, bundle: check.bundle.hash } }) as const,
      ),
      ...notifiers.map(
        (notifier) =>
          ({
            type: "load-notifier",
            notifier: { ...notifier, bundle: notifier.bundle.hash },
          }) as const,
      ),
    ];
    return messages.every((message) => lines?.send(message) === true);
  }

  function watch(): void {
    const absentMs = lostAtMs === undefined ? 0 : performance.now() - lostAtMs;
    if (absentMs > ABSENT_MS_MAX) options.onSilent(absentMs);
    if (child === undefined) return;
    const silentMs = performance.now() - heardAtMs;
    if (silentMs > (loaded ? SILENT_KILL_MS : STARTING_KILL_MS))
      return replace(`it did not answer for ${Math.round(silentMs)} ms`);
    const bytes = memory?.bytes() ?? 0;
    if (bytes > memoryBytes)
      return replace(
        `it used ${Math.round(bytes / 1e6)} MB of memory, the limit is ${Math.round(memoryBytes / 1e6)} MB`,
      );
    if (!spoke) lines?.send({ type: "ping" });
    spoke = false;
  }

  /** A host that nobody needs for a while is ended. */
  function restWhenIdle(): void {
    clearTimeout(idleTimer);
    if (idleAfterMs === undefined || events.size > 0) return;
    idleTimer = setTimeout(() => {
      end();
      log.debug({ sandbox: name }, "the sandbox host had nothing to do and is ended");
    }, idleAfterMs);
  }

  if (idleAfterMs === undefined) launch();
  const endWatch = onPulse(watch);

  return {
    name,
    status: () => ({
      pid: child?.pid,
      state:
        child === undefined
          ? restartTimer === undefined
            ? "idle"
            : "restarting"
          : performance.now() - heardAtMs > SILENT_REPORT_MS
            ? "not answering"
            : "running",
      restarts,
      memory: limited ? "limited by the kernel" : "watched",
    }),
    replace: (reason) => replace(reason, []),
    wake: (check) => void lines?.send({ type: "wake", check }),
    report: async () => (await questions.ask((id) => lines?.send({ type: "report", id }))) ?? [],
    answer(id, result) {
      lines?.send({ type: "answer", id, result });
    },
    notify: (notifier, event) =>
      new Promise((resolve) => {
        const message = { type: "notify", id: nextEvent++, notifier, event } as const;
        events.set(message.id, { message, resolve });
        clearTimeout(idleTimer);
        if (loaded) lines?.send(message);
        else if (child === undefined && restartTimer === undefined && !stopped) launch();
      }),
    stop() {
      stopped = true;
      endWatch();
      clearTimeout(restartTimer);
      clearTimeout(idleTimer);
      if (child === undefined) return group?.remove();
      child.once("exit", () => group?.remove());
      end();
    },
  };
}
