/** What one plugin may have done outside its isolate: each call is held against the grant, counted when it is denied, and bounded. */
import { singleLine } from "../single-line.ts";
import { performTimer } from "./capability/timer.ts";
import { createConnections } from "./capability/connect.ts";
import { DeniedError } from "./capability/denied.ts";
import { createFetcher } from "./capability/fetch.ts";
import { createQuestions } from "./capability/dns.ts";
import { readGranted } from "./capability/files.ts";
import { lists } from "./capability/place.ts";
import { createMetrics } from "./capability/metrics.ts";
import type { ProcessTable } from "./capability/processes.ts";
import { measureSystem } from "./capability/system.ts";
import { createDatagrams } from "./capability/udp.ts";
import { isPingSize, mayRun, PING_OCTETS_MAX, PING_OCTETS_MIN } from "./grant.ts";
import type { Metric, Permissions, PrivilegedRequest, SandboxToDaemon } from "./protocol.ts";
import { SERVICE_ACTIONS } from "./protocol.ts";

const CALLS_AT_ONCE_MAX = 64;
const TIMERS_AT_ONCE_MAX = 1000;
const LOG_LINES_PER_SECOND_MAX = 10;
const LOG_CHARACTERS_MAX = 500;
const LEVELS = ["debug", "info", "warn", "error"] as const;

const EXEC_MS_MAX = 3_600_000;
const PING_MS = 1000;
const PING_MS_MAX = 60_000;
/** As ping(8) sends. */
const PING_OCTETS = 56;
/** What the daemon takes; it would end a host that sends more. */
const WORDS_MAX = 200;
const WORD_CHARACTERS_MAX = 4096;
const SUBJECT_CHARACTERS_MAX = 200;
const MAIL_CHARACTERS_MAX = 10_000;
const STORE_ACTIONS = ["get", "set", "keys"] as const;
const KEY_CHARACTERS_MAX = 64;
const VALUE_CHARACTERS_MAX = 4096;

export interface CapabilityOptions {
  /** The check or the notifier. */
  readonly plugin: string;
  readonly grant: Permissions;
  /** Those that it is granted, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly processes: () => ProcessTable;
  readonly send: (message: SandboxToDaemon) => void;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** Has the daemon do something. */
  readonly ask: (
    plugin: string,
    request: PrivilegedRequest,
    signal: AbortSignal,
  ) => Promise<unknown>;
}

/** By which a call is given up. */
export interface CallSignals {
  /** Aborted when the plugin calls it off, and when the invocation ends. */
  readonly call: AbortSignal;
  /** Aborted when the invocation ends. */
  readonly invocation: AbortSignal;
}

export interface Capabilities {
  /** Performs a call; undefined when there is nothing to answer. */
  perform: (
    capability: string,
    argument: unknown,
    signals: CallSignals,
  ) => Promise<unknown> | undefined;
  /** How many processes there are now of each name that the check may count. */
  readonly counts: () => Readonly<Record<string, number>>;
  readonly denied: () => number;
  readonly metrics: () => readonly Metric[];
}

export function createCapabilities(options: CapabilityOptions): Capabilities {
  const { plugin, grant } = options;
  const fetcher = createFetcher(grant.net);
  const connections = createConnections(grant.net);
  const datagrams = createDatagrams(grant.udp);
  const questions = createQuestions(grant.dns);
  const metrics = createMetrics();
  /** Names whose end the daemon tells already. */
  const watched = new Set<string>();
  let denied = 0;
  const requests = { atOnce: 0, max: CALLS_AT_ONCE_MAX, name: "requests" };
  const timers = { atOnce: 0, max: TIMERS_AT_ONCE_MAX, name: "timers" };
  let logSecond = 0;
  let logLines = 0;

  async function bounded(work: () => Promise<unknown>, among = requests): Promise<unknown> {
    if (among.atOnce >= among.max)
      throw new Error(`more than ${among.max} ${among.name} at a time`);
    among.atOnce++;
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeniedError) denied++;
      throw error;
    } finally {
      among.atOnce--;
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

  async function watch(argument: unknown, signal: AbortSignal): Promise<number> {
    const running = await count(argument);
    const process = nameIn(argument);
    if (watched.has(process)) return running;
    await options.ask(plugin, { type: "watch", process }, signal);
    watched.add(process);
    // Some may have come or gone meanwhile.
    return options.processes().count(process, performance.now());
  }

  async function keep(argument: unknown, signal: AbortSignal): Promise<unknown> {
    if (!grant.store)
      throw new DeniedError(
        "not permitted: to keep something, add it to the plugin: permissions: { store: true }",
      );
    const said = textIn(argument, "action");
    const action = STORE_ACTIONS.find((candidate) => candidate === said);
    const key = textIn(argument, "key");
    const value = textIn(argument, "value", null);
    if (action === undefined) throw new Error(`store: there is no action ${JSON.stringify(said)}`);
    if (key.length > KEY_CHARACTERS_MAX || (value?.length ?? 0) > VALUE_CHARACTERS_MAX)
      throw new Error(
        `store: a key has at most ${KEY_CHARACTERS_MAX} characters, a value ${VALUE_CHARACTERS_MAX}`,
      );
    return options.ask(plugin, { type: "store", action, key, value }, signal);
  }

  async function publish(argument: unknown): Promise<null> {
    if (!grant.metrics)
      throw new DeniedError(
        "not permitted: to publish metrics, add it to the plugin: permissions: { metrics: true }",
      );
    return metrics.record(argument);
  }

  async function reveal(argument: unknown): Promise<string> {
    const name = nameIn(argument);
    const secret = Object.hasOwn(options.secrets, name) ? options.secrets[name] : undefined;
    if (secret !== undefined) return secret;
    throw new DeniedError(
      `not permitted: to read the secret ${JSON.stringify(name)}, add it to the plugin: permissions: { secrets: [${JSON.stringify(name)}] }`,
    );
  }

  async function act(argument: unknown, signal: AbortSignal): Promise<unknown> {
    const service = nameIn(argument);
    const action = SERVICE_ACTIONS.find(
      (candidate) => candidate === (argument as { readonly action?: unknown }).action,
    );
    const granted = Object.hasOwn(grant.services, service) ? grant.services[service] : undefined;
    if (action === undefined || granted?.includes(action) !== true)
      throw new DeniedError(
        `not permitted: to ${action ?? "do this to"} ${service}, add it to the plugin: permissions: { services: { ${JSON.stringify(service)}: [${JSON.stringify(action ?? "start")}] } }`,
      );
    return options.ask(plugin, { type: "service", service, action }, signal);
  }

  async function exec(argument: unknown, signal: AbortSignal): Promise<unknown> {
    const argv = wordsIn(argument);
    const timeoutMs = numberIn(argument, "timeoutMs") || EXEC_MS_MAX;
    if (!mayRun(grant.exec, argv))
      throw new DeniedError(
        `not permitted: to run ${argv.join(" ")}, add it to the plugin: permissions: { exec: [${JSON.stringify(argv)}] }`,
      );
    const limit = Math.min(EXEC_MS_MAX, Math.max(1, timeoutMs));
    return options.ask(plugin, { type: "exec", argv, timeoutMs: limit }, signal);
  }

  async function system(argument: unknown): Promise<unknown> {
    if (!grant.system)
      throw new DeniedError(
        "not permitted: to ask how busy the machine is, add it to the plugin: permissions: { system: true }",
      );
    return measureSystem(textIn(argument, "what"), textIn(argument, "path"));
  }

  async function mail(argument: unknown, signal: AbortSignal): Promise<unknown> {
    if (!grant.mail)
      throw new DeniedError(
        "not permitted: to send mail, add it to the plugin: permissions: { mail: true }",
      );
    return options.ask(
      plugin,
      {
        type: "mail",
        subject: singleLine(textIn(argument, "subject")).slice(0, SUBJECT_CHARACTERS_MAX),
        text: textIn(argument, "text").slice(0, MAIL_CHARACTERS_MAX),
      },
      signal,
    );
  }

  async function ping(argument: unknown, signal: AbortSignal): Promise<unknown> {
    const host = textIn(argument, "host");
    if (!lists(grant.ping, host))
      throw new DeniedError(
        `not permitted: to ping ${host}, add it to the plugin: permissions: { ping: [${JSON.stringify(host)}] }`,
      );
    const asked = numberIn(argument, "timeoutMs") || PING_MS;
    const timeoutMs = Math.min(PING_MS_MAX, Math.max(1, asked));
    const size = numberIn(argument, "size") || PING_OCTETS;
    if (!isPingSize(size))
      throw new Error(
        `ping: found size ${size}, expected ${PING_OCTETS_MIN} to ${PING_OCTETS_MAX} octets`,
      );
    return options.ask(plugin, { type: "ping", host, timeoutMs, size }, signal);
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
          plugin,
          level: "warn",
          message: `${logLines - LOG_LINES_PER_SECOND_MAX} log lines were left out: more than ${LOG_LINES_PER_SECOND_MAX} in a second`,
        });
      logSecond = second;
      logLines = 0;
    }
    if (++logLines > LOG_LINES_PER_SECOND_MAX) return;
    options.send({
      type: "log",
      plugin,
      level: LEVELS.find((candidate) => candidate === said) ?? "info",
      message: options.redact(singleLine(String(text))).slice(0, LOG_CHARACTERS_MAX),
    });
  }

  return {
    perform(capability, argument, signals) {
      switch (capability) {
        case "log":
          log(argument);
          return undefined;
        case "timer":
          return bounded(() => performTimer(argument, signals.call), timers);
        case "processes.count":
          return bounded(() => count(argument));
        case "processes.watch":
          return bounded(() => watch(argument, signals.call));
        case "store":
          return bounded(() => keep(argument, signals.call));
        case "metrics":
          return bounded(() => publish(argument));
        case "secrets.get":
          return bounded(() => reveal(argument));
        case "service":
          return bounded(() => act(argument, signals.call));
        case "files.read":
          return bounded(() => readGranted(textIn(argument, "path"), grant.files));
        case "system":
          return bounded(() => system(argument));
        case "connect":
          return bounded(() => connections.open(argument, signals.call, signals.invocation));
        case "connect.write":
          return bounded(() =>
            connections.write(numberIn(argument, "id"), textIn(argument, "octets")),
          );
        case "connect.read":
          return bounded(() =>
            connections.read(
              numberIn(argument, "id"),
              textIn(argument, "delimiter") || undefined,
              signals.call,
            ),
          );
        case "connect.expect":
          return bounded(() =>
            connections.expect(numberIn(argument, "id"), textIn(argument, "octets"), signals.call),
          );
        case "connect.startTls":
          return bounded(() =>
            connections.startTls(numberIn(argument, "id"), argument, signals.call),
          );
        case "connect.end":
          return bounded(() => connections.end(numberIn(argument, "id")));
        case "connect.close":
          connections.close(
            numberIn(argument, "id"),
            (argument as { readonly reset?: unknown } | null)?.reset === true,
          );
          return undefined;
        case "udp":
          return bounded(() => datagrams.exchange(argument, signals.call));
        case "dns":
          return bounded(() => questions.ask(argument, signals.call));
        case "ping":
          return bounded(() => ping(argument, signals.call));
        case "exec":
          return bounded(() => exec(argument, signals.call));
        case "mail":
          return bounded(() => mail(argument, signals.call));
        case "fetch":
          return bounded(() => fetcher.fetch(argument, signals.call));
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
    metrics: metrics.list,
  };
}

/** @throws Error for what is no command: a plugin can have the guest's messages say anything. */
function wordsIn(argument: unknown): readonly string[] {
  const argv: unknown = (argument as { readonly argv?: unknown } | null)?.argv;
  const words: readonly unknown[] = Array.isArray(argv) ? argv : [];
  const usual = (word: unknown): word is string =>
    typeof word === "string" && word.length <= WORD_CHARACTERS_MAX;
  if (words.length <= WORDS_MAX && words.every(usual)) return words;
  throw new Error(
    `exec: expected at most ${WORDS_MAX} words of at most ${WORD_CHARACTERS_MAX} characters each`,
  );
}

function nameIn(argument: unknown): string {
  return textIn(argument, "name");
}

function numberIn(argument: unknown, key: string): number {
  const number = (argument as Readonly<Record<string, unknown>> | null)?.[key];
  return typeof number === "number" ? number : 0;
}

function textIn(argument: unknown, key: string): string;
function textIn(argument: unknown, key: string, otherwise: null): string | null;
function textIn(argument: unknown, key: string, otherwise: string | null = ""): string | null {
  const text = (argument as Readonly<Record<string, unknown>> | null)?.[key];
  return typeof text === "string" ? text : otherwise;
}
