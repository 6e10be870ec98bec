/**
 * The daemon does not trust a sandbox host: whatever arrives from one passes through here first. By hand, because a schema
 * library would be a third of the daemon's memory.
 */
import { isPingSize } from "../sandbox/grant.ts";
import type { CheckReport, PrivilegedRequest, SandboxToDaemon } from "../sandbox/protocol.ts";
import { SERVICE_ACTIONS } from "../sandbox/protocol.ts";

const TEXT_MAX = 2000;
const NAME_MAX = 64;
const WEIGHT_MAX = 253;
const LONG_MAX = 1000;
const METRICS_MAX = 50;
const LABELS_MAX = 5;
const REPORTS_MAX = 100_000;
const OUTCOMES = ["up", "down", "timed out", "out of memory", "error"] as const;
const STATES = ["unknown", "up", "down"] as const;
const LEVELS = ["debug", "info", "warn", "error"] as const;

type Rule = (value: unknown) => boolean;
type Shape = Readonly<Record<string, Rule>>;

/** It goes to logs and terminals: nothing in it may move a cursor. */
const text: Rule = (value) =>
  typeof value === "string" && value.length <= TEXT_MAX && !/\p{Cc}/u.test(value);
const name: Rule = (value) => typeof value === "string" && value.length <= NAME_MAX;
const count: Rule = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const id: Rule = (value) => Number.isSafeInteger(value) && count(value);
const oneOf =
  (allowed: readonly string[]): Rule =>
  (value) =>
    typeof value === "string" && allowed.includes(value);

const weight: Rule = (value) =>
  value === null || (Number.isInteger(value) && Math.abs(value as number) <= WEIGHT_MAX);
const outcomes: Shape = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count]));
const last: Shape = {
  outcome: oneOf(OUTCOMES),
  reason: text,
  durationMs: count,
  cpuMs: count,
  agoMs: count,
};
const metricName: Rule = (value) =>
  typeof value === "string" && /^[a-z][a-z0-9_]{0,63}$/.test(value);
const metric: Shape = {
  name: metricName,
  type: oneOf(["gauge", "counter"]),
  labels: (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.keys(value).length <= LABELS_MAX &&
    Object.entries(value).every(([label, said]) => metricName(label) && name(said)),
  value: (value) => typeof value === "number" && Number.isFinite(value),
};
const report: Shape = {
  check: name,
  state: oneOf(STATES),
  reason: text,
  last: (value) => value === undefined || has(value, last),
  runs: count,
  outcomes: (value) => has(value, outcomes),
  skipped: count,
  faults: count,
  backsOffMs: count,
  denied: count,
  metrics: (value) =>
    Array.isArray(value) &&
    value.length <= METRICS_MAX &&
    value.every((entry) => has(entry, metric)),
} satisfies Record<keyof CheckReport, Rule>;

const WORDS_MAX = 200;
const MAIL_TEXT_MAX = 20_000;
const HOST_NAME_MAX = 253;
/** What a plugin may have done, by its type. */
const REQUESTS: Readonly<Record<PrivilegedRequest["type"], Shape>> = {
  service: { service: name, action: oneOf(SERVICE_ACTIONS) },
  exec: {
    argv: (value) =>
      Array.isArray(value) && value.length <= WORDS_MAX && value.every((word) => argument(word)),
    timeoutMs: count,
  },
  mail: {
    subject: text,
    text: (value) => typeof value === "string" && value.length <= MAIL_TEXT_MAX,
  },
  watch: { process: name },
  store: {
    action: oneOf(["get", "set", "keys"]),
    key: name,
    value: (value) => value === null || argument(value),
  },
  ping: {
    host: (value) => typeof value === "string" && value.length <= HOST_NAME_MAX,
    timeoutMs: count,
    size: (value) => typeof value === "number" && isPingSize(value),
  },
};
const argument: Rule = (value) => typeof value === "string" && value.length <= 4096;
const request: Rule = (value) => {
  if (typeof value !== "object" || value === null || !("type" in value)) return false;
  const { type, ...rest } = value;
  if (typeof type !== "string" || !Object.hasOwn(REQUESTS, type)) return false;
  return has(rest, REQUESTS[type as PrivilegedRequest["type"]]);
};
const done: Shape = { ok: (value) => value === true };
const failed: Shape = { ok: (value) => value === false, error: text };

/** What others ask for, and no daemon. */
type Foreign = "evaluated" | "invoked" | "inspected";
/** What a message of each other type consists of, besides its type. */
const MESSAGES: Readonly<Record<Exclude<SandboxToDaemon["type"], Foreign>, Shape>> = {
  ready: {},
  state: { check: name, state: oneOf(["up", "down"]), weight, reason: text },
  request: { id, plugin: name, request },
  cancel: { id },
  notified: { id, result: (value) => has(value, done) || has(value, failed) },
  log: { plugin: name, level: oneOf(LEVELS), message: text },
  report: {
    id,
    checks: (value) =>
      Array.isArray(value) &&
      value.length <= REPORTS_MAX &&
      value.every((entry) => has(entry, report)),
  },
  pong: {},
  alive: {},
  long: {
    plugins: (value) => Array.isArray(value) && value.length <= LONG_MAX && value.every(name),
  },
  recycle: { reason: text, plugin: name },
};

/** The message, or undefined when it is none that a sandbox host may send to the daemon. */
export function parseSandboxMessage(value: unknown): SandboxToDaemon | undefined {
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  const { type, ...rest } = value;
  if (typeof type !== "string" || !Object.hasOwn(MESSAGES, type)) return undefined;
  const shape = MESSAGES[type as keyof typeof MESSAGES];
  return has(rest, shape) ? (value as SandboxToDaemon) : undefined;
}

/** Whether every field obeys its rule, and there are no others. */
function has(value: unknown, shape: Shape): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    Object.keys(fields).every((key) => Object.hasOwn(shape, key)) &&
    Object.entries(shape).every(([key, rule]) => rule(fields[key]))
  );
}
