/**
 * What `karuntime invoke` and `karuntime dev` do: bundle a plugin, ask it what it wants, give it that, and run it once. The
 * sandbox host stays for the next run, unless the plugin took it along or wants to read other files.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Diagnostic } from "../config/diagnostic.ts";
import { describeError } from "../config/load-plugins.ts";
import type { Configuration, NotificationEvent } from "../config/model.ts";
import { HOUR_MS } from "../config/values.ts";
import type { PluginRequests } from "../daemon/plugin-requests.ts";
import { createRedaction } from "../redaction.ts";
import { readablePaths } from "../sandbox/node-permissions.ts";
import { createBundler } from "../plugins/bundle.ts";
import { fillIn, withTarget } from "../plugins/grant.ts";
import type { Manifest, Parsed } from "../plugins/manifest.ts";
import { NOTHING, parseManifest, parseOptions, permissions } from "../plugins/manifest.ts";
import type {
  CheckTarget,
  InvokedSpec,
  JsonValue,
  Permissions,
  PluginBundle,
  PrivilegedRequest,
  PrivilegedResult,
  TracedInvocation,
} from "../sandbox/protocol.ts";
import { exampleEvent } from "./event.ts";
import type { DevelopmentHost, LogLine } from "./host.ts";
import { createDevelopmentHost } from "./host.ts";
import type { HostProcess } from "./host-process.ts";
import type { Inspector } from "./inspector.ts";
import { startHostProcess } from "./host-process.ts";

export interface SessionOptions {
  /** The plugin's file, absolute. */
  readonly file: string;
  /** As texts, several for a list; the plugin's declarations say what they stand for. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  /** What a checker looks at. */
  readonly target: CheckTarget | null;
  /** What a notifier is told. */
  readonly event: NotificationEvent;
  readonly timeoutMs: number;
  /** Where a debugger is waited for; undefined: none is. */
  readonly inspectPort: number | undefined;
  /** Whose services, mail and secrets there are; undefined: none. */
  readonly configuration: Configuration | undefined;
}

/** What a run came to. Nothing in it has a secret or a control character. */
export type Run =
  | { readonly type: "not loaded"; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly type: "ran";
      readonly kind: Manifest["kind"];
      readonly invocation: TracedInvocation;
      readonly logs: readonly LogLine[];
    };

export interface Session {
  /** Runs the plugin as its files are now. */
  run(): Promise<Run>;
  /** The files that the plugin is made of. */
  inputs(): readonly string[];
  stop(): Promise<void>;
}

/** @param first runs already, as the usual user. */
export async function startSession(options: SessionOptions, first: HostProcess): Promise<Session> {
  const { file, configuration } = options;
  const secrets = configuration?.secrets ?? {};
  let requests: Promise<OwnRequests> | undefined;
  let grant: Permissions = NOTHING;
  let logs: LogLine[] = [];
  const user = configuration?.sandbox.user;
  let host = hold(first);
  if (user !== undefined) void host.stop();
  const bundler = await createBundler(file);

  function hold(process: HostProcess): DevelopmentHost {
    return createDevelopmentHost(process, { onLog: (line) => void logs.push(line), perform });
  }

  async function perform(
    request: PrivilegedRequest,
    signal: AbortSignal,
  ): Promise<PrivilegedResult> {
    // It is run at each save; nobody runs it when a process ends.
    if (request.type === "watch") return { ok: true, value: null };
    requests ??= createRequests(configuration);
    return (await requests).perform(file, grant, request, signal);
  }

  /** The present host if it may read all of that, else another one. */
  function hostFor(grant: Permissions): DevelopmentHost {
    const readable = readablePaths(grant);
    if (host.alive() && readable.every((path) => host.readable.includes(path))) return host;
    void host.stop();
    return (host = hold(startHostProcess(user, readable)));
  }

  async function load(): Promise<Parsed<InvokedSpec & { readonly kind: Manifest["kind"] }>> {
    const bundling = await bundler.build();
    if (!bundling.ok) return bundling;
    const bundle =
      options.inspectPort === undefined
        ? bundling.bundle
        : (await import("./inspector.ts")).withSources(bundling.bundle);
    let evaluated = await hostFor(NOTHING).evaluate(bundle);
    // It may have been gone before, by no fault of these files.
    if (!evaluated.ok && !host.alive()) evaluated = await hostFor(NOTHING).evaluate(bundle);
    if (!evaluated.ok) return { ok: false, diagnostics: [describeError(evaluated.error, file)] };
    const manifest = parseManifest(evaluated.value, file);
    if (!manifest.ok) return manifest;
    return specOf(bundle, manifest.value, options, secrets);
  }

  return {
    async run() {
      logs = [];
      const loaded = await load();
      if (!loaded.ok) return { type: "not loaded", diagnostics: loaded.diagnostics };
      const { kind, ...plugin } = loaded.value;
      grant = plugin.grant;
      const event = kind === "notifier" ? exampleEvent(options.event) : null;
      const run = (inspector?: Inspector): Promise<TracedInvocation> =>
        hostFor(grant).invoke(plugin, event, inspector);
      const invocation = plugin.inspected
        ? await inspect(options.inspectPort ?? 0, plugin.bundle, run)
        : await run();
      const redact = createRedaction([plugin.secrets]);
      return {
        type: "ran",
        kind,
        invocation: redacted(invocation, redact),
        logs: logs.map(({ level, message }) => ({ level, message: redact(message) })),
      };
    },
    inputs: bundler.inputs,
    async stop() {
      await host.stop();
      await bundler.stop();
      await (await requests)?.stop();
    },
  };
}

async function inspect(
  port: number,
  bundle: PluginBundle,
  run: (inspector: Inspector) => Promise<TracedInvocation>,
): Promise<TracedInvocation> {
  const { serveInspector } = await import("./inspector.ts");
  const inspector = await serveInspector(port, bundle);
  process.stderr.write(
    `waiting for a debugger: chrome://inspect, an editor that attaches to Node, node inspect ${inspector.place}, or\n${inspector.url}\n`,
  );
  try {
    return await run(inspector);
  } finally {
    inspector.close();
  }
}

/** The plugin with its options filled in and all that it asks for granted, or what is wrong with that. */
function specOf(
  bundle: PluginBundle,
  manifest: Manifest,
  { file, options, target, timeoutMs, inspectPort }: SessionOptions,
  known: Readonly<Record<string, string>>,
): Parsed<InvokedSpec & { readonly kind: Manifest["kind"] }> {
  const { kind } = manifest;
  const refuse = (message: string, hint: string): Parsed<never> => ({
    ok: false,
    diagnostics: [{ severity: "error", code: "plugin.invoke", message, file, hint }],
  });
  if (kind === "checker" && target === null)
    return refuse("it is a checker, and looks at a server", "--target ADDRESS:PORT");
  const given = parseOptions(manifest.options, valuesOf(manifest.options, options), {
    file,
    path: "--option",
  });
  if (!given.ok) return given;
  const wanted = permissions.safeParse(fillIn(manifest.permissions, given.value));
  if (!wanted.success)
    return refuse(
      `with these options its permissions say ${wanted.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ")}`,
      "--option NAME=VALUE",
    );
  const unknown = wanted.data.secrets.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    return refuse(
      `it asks for the secret ${unknown}, which the configuration does not have`,
      `-c FILE, a configuration with secrets: { ${unknown}: env("...") }`,
    );
  return {
    ok: true,
    value: {
      kind,
      name: "plugin",
      bundle,
      options: given.value,
      grant: withTarget(wanted.data, kind === "checker" ? target : null),
      secrets: Object.fromEntries(wanted.data.secrets.map((name) => [name, known[name] ?? ""])),
      timeoutMs: inspectPort === undefined ? timeoutMs : HOUR_MS,
      inspected: inspectPort !== undefined,
      target: kind === "checker" ? target : null,
    },
  };
}

/** What the texts of a command line stand for. One that is no such value stays a text, and is refused as that. */
function valuesOf(
  declarations: Manifest["options"],
  given: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, JsonValue>> {
  const value = (type: string | undefined, text: string): JsonValue => {
    if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
    if (type === "number" && text.trim() !== "" && Number.isFinite(Number(text)))
      return Number(text);
    return text;
  };
  return Object.fromEntries(
    Object.entries(given).map(([name, texts]) => {
      const type = Object.hasOwn(declarations, name) ? declarations[name]?.type : undefined;
      const [text, ...others] = texts;
      return [name, type === "list" || others.length > 0 ? texts : value(type, text ?? "")];
    }),
  );
}

type OwnRequests = Pick<PluginRequests, "perform" | "stop">;

/** As the daemon's, but what plugins keep is forgotten at the end. Loaded only when one wants something done: it brings much along. */
async function createRequests(configuration: Configuration | undefined): Promise<OwnRequests> {
  const { createPluginRequests } = await import("../daemon/plugin-requests.ts");
  const { services = {}, mail, commands } = configuration ?? {};
  const none = { user: undefined, secure: false, start: undefined, stop: undefined };
  const silent = (): void => {};
  const stateDirectory = mkdtempSync(join(tmpdir(), "karuntime-develop-"));
  const requests = createPluginRequests(
    { services, mail, commands: commands ?? none },
    stateDirectory,
    // What goes wrong is the result of the call, and is shown there.
    { info: silent, warn: silent, error: silent },
  );
  return {
    perform: requests.perform,
    async stop() {
      await requests.stop();
      rmSync(stateDirectory, { recursive: true, force: true });
    },
  };
}

function redacted(
  invocation: TracedInvocation,
  redact: (text: string) => string,
): TracedInvocation {
  return {
    ...invocation,
    reason: redact(invocation.reason),
    calls: invocation.calls.map((call) => ({
      ...call,
      argument: redact(call.argument),
      result: call.result === null ? null : redact(call.result),
      error: call.error === null ? null : redact(call.error),
    })),
  };
}
