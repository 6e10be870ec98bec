/** One invocation for the plugin's author: in an isolate of its own, with everything that it asks of its host written down. */
import { singleLine } from "../single-line.ts";
import type { Capabilities } from "./capabilities.ts";
import { DeniedError } from "./capability/denied.ts";
import type { Inspection } from "./inspection.ts";
import type { PluginIsolateOptions } from "./isolate.ts";
import { PluginIsolate } from "./isolate.ts";
import { openOwnMemory } from "../own-memory.ts";
import { PluginRunner } from "./plugin-runner.ts";
import type { InvokedSpec, JsonValue, TracedCall, TracedInvocation } from "./protocol.ts";
import { bundleName } from "./source-map.ts";

const CALLS_MAX = 200;
const TEXT_CHARACTERS_MAX = 300;
/** As of a reason: the line to add to the permissions stands at its end. */
const ERROR_CHARACTERS_MAX = 500;
/** Capabilities that are several for a plugin, told apart by this field. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ["service", "action"],
  ["store", "action"],
  ["system", "what"],
  ["metrics", "type"],
]);

export interface InvokeOnceOptions extends Pick<PluginIsolateOptions, "onCatastrophe" | "memory"> {
  readonly capabilities: Capabilities;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** Where the plugin is to be inspected: makes the way for its debugger. */
  readonly inspect: (isolate: PluginIsolate) => Inspection;
}

/** Runs it to its end, once a debugger is there if it is to be inspected. Never rejects. */
export async function invokeOnce(
  spec: InvokedSpec,
  event: JsonValue,
  { capabilities, redact, inspect, ...limits }: InvokeOnceOptions,
): Promise<TracedInvocation> {
  const trace = createTrace(capabilities);
  const { bundle, inspected } = spec;
  const name = bundleName(bundle);
  const isolate = new PluginIsolate({ code: bundle.code, name, inspected, ...limits });
  const inspection = inspected ? inspect(isolate) : undefined;
  await inspection?.started;
  const runner = new PluginRunner({
    ...spec,
    cpuMsMax: inspected ? spec.timeoutMs : undefined,
    capabilities: trace.capabilities,
    redact,
    isolate: () => isolate,
    onStuck: limits.onCatastrophe,
  });
  const { ownFault: _, weight = null, ...result } = await runner.run(event);
  const memory = openOwnMemory("self");
  const memoryBytes = memory.bytes();
  memory.close();
  inspection?.end();
  isolate.dispose();
  return { ...result, weight, memoryBytes, ...trace.taken(), metrics: capabilities.metrics() };
}

interface Trace {
  /** The same, watched. */
  readonly capabilities: Capabilities;
  taken(): Pick<TracedInvocation, "calls" | "callsLeftOut">;
}

function createTrace(capabilities: Capabilities): Trace {
  const calls: { -readonly [Field in keyof TracedCall]: TracedCall[Field] }[] = [];
  let callsLeftOut = 0;
  let startedAtMs = performance.now();
  return {
    capabilities: {
      ...capabilities,
      // Asked when the invocation begins. Without them each count is a call, and is seen.
      counts() {
        startedAtMs = performance.now();
        return {};
      },
      perform(capability, argument, signals) {
        const work = capabilities.perform(capability, argument, signals);
        if (capability === "log") return work;
        if (calls.length >= CALLS_MAX) {
          callsLeftOut++;
          return work;
        }
        const calledAtMs = performance.now();
        const call: (typeof calls)[number] = {
          ...describeCall(capability, argument),
          atMs: calledAtMs - startedAtMs,
          durationMs: null,
          result: null,
          error: null,
          denied: false,
        };
        calls.push(call);
        work?.then(
          (value) => {
            call.durationMs = performance.now() - calledAtMs;
            call.result = capability === "secrets.get" ? "(hidden)" : shorten(value);
          },
          (error: unknown) => {
            call.durationMs = performance.now() - calledAtMs;
            call.error = short(
              error instanceof Error ? error.message : String(error),
              ERROR_CHARACTERS_MAX,
            );
            call.denied = error instanceof DeniedError;
          },
        );
        return work;
      },
    },
    taken: () => ({ calls, callsLeftOut }),
  };
}

/** By the name that the plugin's author writes: what travels as one capability may have several. */
function describeCall(
  capability: string,
  argument: unknown,
): Pick<TracedCall, "name" | "argument"> {
  const fields = { ...(argument as Readonly<Record<string, unknown>>) };
  const method = METHODS.get(capability);
  const group = capability === "service" ? "services" : capability;
  const name = method === undefined ? capability : `${group}.${String(fields[method])}`;
  if (method !== undefined) delete fields[method];
  const pressure = /^system\.(\w+)-pressure$/.exec(name);
  if (pressure !== null)
    return { name: "system.pressure", argument: shorten({ resource: pressure[1] }) };
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return { name: short(name), argument: shorten(Object.fromEntries(given)) };
}

function shorten(value: unknown): string {
  return short(JSON.stringify(value) ?? "");
}

function short(text: string, charactersMax = TEXT_CHARACTERS_MAX): string {
  const line = singleLine(text.slice(0, 2 * charactersMax));
  return line.length > charactersMax ? `${line.slice(0, charactersMax)}...` : line;
}
