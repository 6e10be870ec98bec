/** What one check may have done outside its isolate: each call is held against the grant, counted when it is denied, and bounded. */
import { performTimer } from "./capability/timer.ts";
import { DeniedError, performFetch } from "./capability/fetch.ts";
import type { ProcessTable } from "./capability/processes.ts";
import type { Permissions, SandboxToDaemon, ServiceAction } from "./protocol.ts";
import { SERVICE_ACTIONS } from "./protocol.ts";

const CALLS_AT_ONCE_MAX = 64;
const LOG_LINES_PER_SECOND_MAX = 10;
const LOG_CHARACTERS_MAX = 500;
const LEVELS = ["debug", "info", "warn", "error"] as const;

export interface CapabilityOptions {
  readonly check: string;
  readonly grant: Permissions;
  readonly processes: () => ProcessTable;
  readonly send: (message: SandboxToDaemon) => void;
  /** Has the daemon act on a service; resolves to whether the service runs. */
  readonly service: (check: string, service: string, action: ServiceAction) => Promise<boolean>;
}

export interface Capabilities {
  /** Performs a call; undefined when there is nothing to answer. */
  perform(capability: string, argument: unknown, signal: AbortSignal): Promise<unknown> | undefined;
  /** How many processes there are now of each name that the check may count. */
  readonly counts: () => Readonly<Record<string, number>>;
  readonly denied: () => number;
}

export function createCapabilities(options: CapabilityOptions): Capabilities {
  const { check, grant } = options;
  let denied = 0;
  let atOnce = 0;
  let logSecond = 0;
  let logLines = 0;

  async function bounded(work: () => Promise<unknown>): Promise<unknown> {
    if (atOnce >= CALLS_AT_ONCE_MAX)
      throw new Error(`more than ${CALLS_AT_ONCE_MAX} requests at a time`);
    atOnce++;
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeniedError) denied++;
      throw error;
    } finally {
      atOnce--;
    }
  }

  async function count(argument: unknown): Promise<number> {
    const name = nameIn(argument);
    if (!grant.processes.includes(name))
      throw new DeniedError(
        `not permitted: to count ${JSON.stringify(name)}, add it to the plugin: permissions: { processes: [${JSON.stringify(name)}] }`,
      );
    return options.processes().count(name, performance.now());
  }

  async function act(argument: unknown): Promise<boolean> {
    const service = nameIn(argument);
    const action = SERVICE_ACTIONS.find(
      (candidate) => candidate === (argument as { readonly action?: unknown }).action,
    );
    const granted = Object.hasOwn(grant.services, service) ? grant.services[service] : undefined;
    if (action === undefined || granted?.includes(action) !== true)
      throw new DeniedError(
        `not permitted: to ${action ?? "do this to"} ${service}, add it to the plugin: permissions: { services: { ${JSON.stringify(service)}: [${JSON.stringify(action ?? "start")}] } }`,
      );
    return options.service(check, service, action);
  }

  function log(argument: unknown): void {
    const { level: said, message: text } = argument as {
      readonly level?: unknown;
      readonly message?: unknown;
    };
    const second = Math.floor(performance.now() / 1000);
    if (second !== logSecond) {
      if (logLines > LOG_LINES_PER_SECOND_MAX)
        options.send({
          type: "log",
          check,
          level: "warn",
          message: `${logLines - LOG_LINES_PER_SECOND_MAX} log lines were left out: more than ${LOG_LINES_PER_SECOND_MAX} in a second`,
        });
      logSecond = second;
      logLines = 0;
    }
    if (++logLines > LOG_LINES_PER_SECOND_MAX) return;
    options.send({
      type: "log",
      check,
      level: LEVELS.find((candidate) => candidate === said) ?? "info",
      message: singleLine(String(text)).slice(0, LOG_CHARACTERS_MAX),
    });
  }

  return {
    perform(capability, argument, signal) {
      switch (capability) {
        case "log":
          log(argument);
          return undefined;
        case "timer":
          return bounded(() => performTimer(argument, signal));
        case "processes.count":
          return bounded(() => count(argument));
        case "service":
          return bounded(() => act(argument));
        case "fetch":
          return bounded(() => performFetch(argument, grant.net, signal));
        default:
          return Promise.reject(new Error(`there is no capability ${JSON.stringify(capability)}`));
      }
    },
    counts() {
      const nowMs = performance.now();
      return Object.fromEntries(
        grant.processes.map((name) => [name, options.processes().count(name, nowMs)]),
      );
    },
    denied: () => denied,
  };
}

/** What a plugin says, as one line without control characters: it goes to logs and terminals. */
export function singleLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}

function nameIn(argument: unknown): string {
  const name = (argument as { readonly name?: unknown } | null)?.name;
  return typeof name === "string" ? name : "";
}
