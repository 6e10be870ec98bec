/** What `karuntime invoke` and `karuntime dev` take on their command line. */
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import type { Configuration } from "../config/model.ts";
import { NOTIFICATION_EVENTS } from "../config/model.ts";
import { checkTarget, locatePlugin } from "../config/plugin-use.ts";
import { duration, HOUR_MS } from "../config/values.ts";
import type { SessionOptions } from "./session.ts";

const TIMEOUT = "5s";
/** As Node's own. */
const INSPECT_PORT = "9229";

const timeout = duration(1, HOUR_MS, "1ms to 60m");
const event = z.enum(
  NOTIFICATION_EVENTS,
  `expected one of the events ${NOTIFICATION_EVENTS.join(", ")}`,
);

const portNumber = z
  .string()
  .regex(/^\d{1,5}$/, "expected a port, 0 to 65535")
  .transform(Number)
  .pipe(z.int().max(65_535, "expected a port, 0 to 65535"));

export interface DevelopArguments {
  readonly session: SessionOptions;
  /** The package, or its file relative to the working directory. */
  readonly name: string;
  readonly json: boolean;
}

/**
 * @param command for the message when no plugin is named.
 * @throws Error for an argument that is none; ConfigurationError for a configuration that is none.
 */
export async function readArguments(
  argv: readonly string[],
  command: string,
): Promise<DevelopArguments> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      option: { type: "string", multiple: true, default: [] },
      target: { type: "string" },
      event: { type: "string", default: "master" },
      timeout: { type: "string", default: TIMEOUT },
      config: { type: "string", short: "c" },
      json: { type: "boolean", default: false },
      inspect: { type: "boolean", default: false },
      "inspect-port": { type: "string", default: INSPECT_PORT },
    },
  });
  const [plugin, ...others] = positionals;
  if (plugin === undefined || others.length > 0)
    throw new Error(`expected one plugin: karuntime ${command} FILE`);
  if (values.inspect && command === "dev")
    throw new Error("--inspect: a debugger looks into one invocation; use karuntime invoke");
  const located = locatePlugin(plugin, resolve("karuntime.config.ts"));
  if (!located.ok) throw new Error(located.reason);
  return {
    name: located.package ?? relative(process.cwd(), located.file),
    json: values.json,
    session: {
      file: located.file,
      options: readOptions(values.option),
      target: values.target === undefined ? null : read("--target", checkTarget, values.target),
      event: read("--event", event, values.event),
      timeoutMs: read("--timeout", timeout, values.timeout),
      inspectPort: values.inspect
        ? read("--inspect-port", portNumber, values["inspect-port"])
        : undefined,
      configuration: values.config === undefined ? undefined : await load(values.config),
    },
  };
}

/** Its reader is loaded only when it is used. */
async function load(file: string): Promise<Configuration> {
  const { loadConfiguration } = await import("../config/load.ts");
  return (await loadConfiguration(resolve(file), process.env)).configuration;
}

/** One that is named again is a list. */
function readOptions(texts: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const options = new Map<string, string[]>();
  for (const [name, value] of texts.map(readOption))
    options.set(name, [...(options.get(name) ?? []), value]);
  return Object.fromEntries(options);
}

function readOption(text: string): readonly [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Error(`--option: found ${JSON.stringify(text)}, expected NAME=VALUE`);
  return [name, value];
}

function read<T>(option: string, schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw new Error(`${option}: ${result.error.issues.map(({ message }) => message).join("; ")}`);
}
