/**
 * For the tests of a plugin's author: runs a definition with a world that the test describes. Its options and permissions
 * count as in the sandbox; limits of time and memory do not. To see a plugin in the sandbox itself: `karuntime invoke`.
 */
import type {
  CheckContext,
  CheckDefinition,
  CheckerDefinition,
  Mail,
  NotifierDefinition,
  OptionDeclarations,
  OptionValues,
  Permissions,
  PluginContext,
  Target,
} from "./index.ts";
import { explain } from "./testing/failure.ts";
import type { PartialEvent } from "./testing/event.ts";
import { eventFrom } from "./testing/event.ts";
import type { Fakes } from "./testing/fakes.ts";
import { createGrant } from "./testing/grant.ts";
import { createHost } from "./testing/host.ts";
import type { Metric } from "./testing/metrics.ts";
import { createSeries } from "./testing/metrics.ts";
import { createNetwork, targetOf } from "./testing/network.ts";
import { fillOptions } from "./testing/options.ts";
import type { Call } from "./testing/record.ts";
import { createCallRecord } from "./testing/record.ts";

export type { PartialEvent } from "./testing/event.ts";
export type * from "./testing/fakes.ts";
export type { Metric } from "./testing/metrics.ts";
export type { Call } from "./testing/record.ts";

const WEIGHT_MAX = 253;
const LOG_CHARACTERS_MAX = 500;

/** What is given besides the world: the options that the configuration would set. */
export interface TestOptions<Declarations extends OptionDeclarations> extends Fakes {
  /** Those without a default, and others at will. */
  readonly options?: Partial<OptionValues<Declarations>>;
}

/** The world, the options, and the server that is judged. */
export interface CheckerTestOptions<
  Declarations extends OptionDeclarations,
> extends TestOptions<Declarations> {
  /** What the checker looks at; the virtual service is "" when it is not given. */
  readonly target: Pick<Target, "address" | "port"> & Partial<Target>;
}

/** The world, the options, and the event. */
export interface NotifierTestOptions<
  Declarations extends OptionDeclarations,
> extends TestOptions<Declarations> {
  /**
   * What is not given is that of a virtual router which became master; of a real server with `event` "up" or "down", of a virtual
   * server with "quorum-up" or "quorum-down".
   */
  readonly event?: PartialEvent;
}

/** A line that the plugin wrote to the log. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

/** What an invocation came to. */
export interface TestResult {
  /** "error" when it threw, or returned what is no result. */
  readonly outcome: "up" | "down" | "error";
  /** What `down` was given, or the exception's message and its place as in "check.ts:4:22"; "" when up. */
  readonly reason: string;
  /** What `weight` was given. */
  readonly weight: number | undefined;
  /** What was thrown. */
  readonly error: unknown;
  /** What it wrote to the log, in order. */
  readonly logs: readonly LogLine[];
  /** Everything that the plugin asked for, in order. */
  readonly calls: readonly Call[];
  /** What it published, each with what it came to. */
  readonly metrics: readonly Metric[];
  /** What it sent, in order. */
  readonly mails: readonly Mail[];
  /** What is kept for the next invocation. */
  readonly store: Readonly<Record<string, string>>;
}

/**
 * Runs a check once.
 *
 * @throws Error when its options are wrong, or the plugin asks for something that the test does not describe.
 * @example
 * // checks/nginx.test.ts
 * import assert from "node:assert/strict";
 * import { test } from "node:test";
 * import { runCheck } from "@karuntime/sdk/testing";
 * import nginx from "./nginx.ts";
 *
 * test("down when no nginx runs", async () => {
 *   const { outcome, reason } = await runCheck(nginx, { processes: { nginx: 0 } });
 *   assert.equal(outcome, "down");
 *   assert.equal(reason, "nginx does not run");
 * });
 */
export function runCheck<Declarations extends OptionDeclarations>(
  definition: CheckDefinition<Declarations>,
  given: TestOptions<Declarations> = {},
): Promise<TestResult> {
  return run(definition, given, undefined, (context) =>
    definition.check(context as CheckContext<Declarations>),
  );
}

/** Runs a checker once, as `runCheck` does; it may connect to its target. */
export function runChecker<Declarations extends OptionDeclarations>(
  definition: CheckerDefinition<Declarations>,
  given: CheckerTestOptions<Declarations>,
): Promise<TestResult> {
  const { address, port } = given.target;
  const place = targetOf({ hostname: address, port });
  const target = { place, virtualService: "", ...given.target };
  return run(definition, given, target.place, (context) =>
    definition.check({ ...(context as CheckContext<Declarations>), target }),
  );
}

/** Tells a notifier of one event, as `runCheck` does. It is up when it throws nothing. */
export function runNotifier<Declarations extends OptionDeclarations>(
  definition: NotifierDefinition<Declarations>,
  given: NotifierTestOptions<Declarations> = {},
): Promise<TestResult> {
  const event = eventFrom(given.event ?? {});
  return run(definition, given, undefined, async (context) => {
    await definition.notify(event, context as PluginContext<Declarations>);
  });
}

interface Definition {
  readonly permissions?: Permissions;
  readonly options?: OptionDeclarations;
}

async function run(
  { permissions = {}, options: declarations = {} }: Definition,
  fakes: Fakes & { readonly options?: Readonly<Record<string, unknown>> },
  target: string | undefined,
  work: (context: CheckContext) => unknown,
): Promise<TestResult> {
  const options = fillOptions(declarations, fakes.options ?? {});
  const grant = createGrant(permissions, options, target);
  const record = createCallRecord();
  const series = new Map<string, Metric>();
  const publish = createSeries(series);
  const stored = new Map(Object.entries(fakes.store ?? {}));
  const mails: Mail[] = [];
  const logs: LogLine[] = [];
  const say = (level: LogLine["level"]) => (message: string) =>
    void logs.push({ level, message: singleLine(String(message)).slice(0, LOG_CHARACTERS_MAX) });
  const results = new WeakSet<object>();
  const made = <T extends object>(result: T): T => {
    results.add(result);
    return Object.freeze(result);
  };
  const publisher =
    (type: Metric["type"]) =>
    (name: string, value: number, labels?: Readonly<Record<string, string>>) =>
      record.record(`metrics.${type}`, [name, value, ...(labels ? [labels] : [])], () => {
        grant.metrics();
        publish(type, name, value, labels);
      });
  const context: CheckContext = {
    ...createHost(fakes, grant, record, stored),
    ...createNetwork(fakes, grant, record),
    options: Object.freeze(options) as CheckContext["options"],
    metrics: { gauge: publisher("gauge"), counter: publisher("counter") },
    mail: (mail) =>
      record.record("mail", [mail], () => {
        grant.mail();
        mails.push({ subject: singleLine(mail.subject), text: mail.text });
      }),
    log: { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") },
    down: (reason) => made({ down: String(reason) }),
    weight: (amount) => made({ weight: amount }),
  };
  const judged = await judge(async () => work(context), results);
  record.throwMissing();
  return {
    ...judged,
    logs,
    calls: record.calls,
    metrics: [...series.values()],
    mails,
    store: Object.fromEntries(stored),
  };
}

type Judged = Pick<TestResult, "outcome" | "reason" | "weight" | "error">;

/** What a result means, as the sandbox judges. */
async function judge(work: () => Promise<unknown>, results: WeakSet<object>): Promise<Judged> {
  const up = { outcome: "up", reason: "", weight: undefined, error: undefined } as const;
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    return { ...up, outcome: "error", reason: explain(error), error };
  }
  if (result === undefined) return up;
  const own = typeof result === "object" && result !== null && results.has(result);
  const { down, weight } = (own ? result : {}) as {
    readonly down?: string;
    readonly weight?: number;
  };
  if (down !== undefined) return { ...up, outcome: "down", reason: singleLine(down) };
  if (weight !== undefined && Number.isInteger(weight) && Math.abs(weight) <= WEIGHT_MAX)
    return { ...up, weight };
  const found = own
    ? String(weight)
    : typeof result === "object"
      ? "something else"
      : typeof result;
  const reason = `found ${found} as the check's result, expected nothing, down(reason), or weight(n) with a whole number from -${WEIGHT_MAX} to ${WEIGHT_MAX}`;
  return { ...up, outcome: "error", reason, error: new Error(reason) };
}

/** As the sandbox passes texts on. */
function singleLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").trim();
}
